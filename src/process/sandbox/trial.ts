/**
 * Tries a backend for real: a child that must be able to write where it may, and must fail at reading
 * and writing what lies beside, in the agent's own directory.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Exit, SandboxRequest, SpawnRequest } from '../types.ts'

const TRIAL_MS = 15_000
const SAID = 'confined'
const MAX_SAID = 300

/** Each line that is said before the last word is a wall that does not stand. */
const SCRIPT = `cd "$1" || exit 1
echo x >file || { echo "It cannot write where it may."; exit 1; }
cat ../beside/secret 2>/dev/null && { echo "It reads what it may not."; exit 1; }
(echo x >../beside/new) 2>/dev/null && { echo "It writes where it may not."; exit 1; }
(echo x >"$2/new") 2>/dev/null && { echo "It writes to the system."; exit 1; }
echo ${SAID}`

export interface TrialInit {
  dir: string
  path: string
  run: (request: SpawnRequest, sandbox: SandboxRequest) => Promise<Exit>
}

/** Undefined when it works; else why not. Never rejects. */
export async function tryBackend({ dir, path, run }: TrialInit): Promise<string | undefined> {
  let root: string | undefined
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    root = mkdtempSync(join(dir, 'sandbox-trial-'))
    const [work, beside] = [join(root, 'work'), join(root, 'beside')]
    mkdirSync(work, { mode: 0o700 })
    mkdirSync(beside, { mode: 0o700 })
    writeFileSync(join(beside, 'secret'), 'secret\n', { mode: 0o600 })
    const sandbox = { read: [], write: [work] }
    const exit = await run(
      {
        file: '/bin/sh',
        args: ['-c', SCRIPT, 'sh', work, '/usr'],
        cwd: work,
        env: { PATH: path, HOME: work, TMPDIR: work },
        purpose: 'try the sandbox',
        timeoutMs: TRIAL_MS,
        maxOutputBytes: 16 * 1024,
        sandbox,
      },
      sandbox,
    )
    if (exit.reason === 'exited' && exit.exitCode === 0 && exit.stdout.trim() === SAID)
      return undefined
    const said = exit.tail.trim().split('\n').at(-1)?.slice(0, MAX_SAID) ?? ''
    return `Tried in vain (${exit.reason}${exit.exitCode === undefined ? '' : ` ${exit.exitCode}`}): ${said}`
  } catch (error) {
    return `Tried in vain: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    if (root !== undefined) rmSync(root, { recursive: true, force: true })
  }
}
