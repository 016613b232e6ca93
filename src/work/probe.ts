/**
 * Asking programs what they are: short children with a deadline of their own, at most four at
 * once, in a scratch home. A program that is absent, fails, or is too slow says nothing.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram, type Exit, type Processes } from '../process/index.ts'
import { explain, type Logger } from '../util/index.ts'
import { childEnvironment } from './environment.ts'

const PROBE_TIMEOUT_MS = 3_000
const MAX_AT_ONCE = 4
const MAX_OUTPUT_BYTES = 256 * 1024

export interface Probe {
  /** Absolute path of a program on the children's PATH. */
  find(program: string): Promise<string | undefined>
  /** stdout (or, when that is empty, stderr) of a program that ends with exit 0. */
  ask(command: readonly string[], signal: AbortSignal): Promise<string | undefined>
  /** The first version number that the program prints. */
  version(command: readonly string[], signal: AbortSignal): Promise<string | undefined>
  versionIn(text: string): string | undefined
  /** Whether a program ends with exit 0 in that home; `unknown` when it is not here or too slow. */
  succeeds(
    command: readonly string[],
    home: string,
    signal: AbortSignal,
  ): Promise<'in' | 'out' | 'unknown'>
}

export interface ProbeInit {
  path: string
  /** Directory for the scratch home. */
  dir: string
}

/** Gives `use` a probe; its scratch home is gone afterwards. */
export async function withProbe<T>(
  { path, dir }: ProbeInit,
  { processes, logger }: { processes: Processes; logger: Logger },
  use: (probe: Probe) => Promise<T>,
): Promise<T> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const home = await mkdtemp(join(dir, 'probe-'))
  const turnstile = createTurnstile(MAX_AT_ONCE)
  const env = childEnvironment({ path, home, tmp: home, ceiling: home })
  /** Undefined when the program is absent, or cannot be run. */
  async function run(
    command: readonly string[],
    signal: AbortSignal,
    childHome = home,
  ): Promise<Exit | undefined> {
    const [file, ...args] = command
    if (file === undefined || (await findProgram(file, path)) === undefined) return undefined
    return turnstile(async () => {
      if (signal.aborted) return undefined
      try {
        const exit = await processes.run({
          file,
          args,
          cwd: home,
          env: { ...env, HOME: childHome },
          purpose: `look at ${file}`,
          timeoutMs: PROBE_TIMEOUT_MS,
          maxOutputBytes: MAX_OUTPUT_BYTES,
          graceMs: 500,
          signal,
        })
        if (exit.reason !== 'exited' || exit.exitCode !== 0) {
          logger.debug({ command, reason: exit.reason, exitCode: exit.exitCode }, 'a probe failed')
        }
        return exit
      } catch (error) {
        logger.debug({ command, error: explain(error) }, 'a probe failed')
        return undefined
      }
    })
  }
  const ask: Probe['ask'] = async (command, signal) => {
    const exit = await run(command, signal)
    if (exit?.reason !== 'exited' || exit.exitCode !== 0) return undefined
    return exit.stdout.trim() === '' ? exit.tail : exit.stdout
  }
  try {
    return await use({
      find: (program) => findProgram(program, path),
      ask,
      version: async (command, signal) => firstVersion((await ask(command, signal)) ?? ''),
      versionIn: firstVersion,
      succeeds: async (command, childHome, signal) => {
        const exit = await run(command, signal, childHome)
        if (exit?.reason !== 'exited') return 'unknown'
        return exit.exitCode === 0 ? 'in' : 'out'
      },
    })
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** "24.1.0" of "node v24.1.0 (x64)"; undefined when there is none. */
export function firstVersion(text: string): string | undefined {
  return /\d+(?:\.\d+)+(?:[-+][0-9A-Za-z.-]{1,40})?/.exec(text)?.[0]?.slice(0, 60)
}

function createTurnstile(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  let inside = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (inside >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else inside += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) inside -= 1
      else next()
    }
  }
}
