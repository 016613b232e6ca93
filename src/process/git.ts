/** git as a function: hardened (git-environment.ts), bounded, and silent about its credential. */
import { CommonError } from '../util/index.ts'
import { ProcessError } from './errors.ts'
import { basicCredential, gitEnvironment } from './git-environment.ts'
import type { Exit, Git, GitAuth, Processes } from './types.ts'

const DEFAULT_TIMEOUT_MS = 60_000
const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024
/** Of stderr, in an error, after cleaning: what is cut off before is longer than any token. */
const STDERR_CHARACTERS = 2 * 1024
const KEEP_BYTES = 16 * 1024
const GRACE_MS = 1_000

/** Commands that would run a repository's own diff programs. */
const DIFFING = new Set(['diff', 'diff-tree', 'diff-index', 'diff-files', 'log', 'show'])
const PLAIN_DIFF = ['--no-ext-diff', '--no-textconv']

export interface GitInit {
  processes: Pick<Processes, 'run'>
  /** Program, name or path. Default "git", looked up on the PATH of `env`. */
  gitPath?: string
  /** Where PATH, proxies and certificates come from. Default: the agent's environment. */
  env?: NodeJS.ProcessEnv
}

/** Text without the credential in any form, and without user info in URLs. */
export function cleaned(text: string, auth: GitAuth | undefined): string {
  let clean = text.replaceAll(/(\w+:\/\/)[^/\s@]+@/g, '$1***@')
  for (const secret of auth === undefined ? [] : [basicCredential(auth.token), auth.token]) {
    if (secret !== '') clean = clean.replaceAll(secret, '***')
  }
  return clean
}

export function createGit({ processes, gitPath = 'git', env: base = process.env }: GitInit): Git {
  return async (args, options) => {
    const { cwd, auth, timeoutMs = DEFAULT_TIMEOUT_MS, allowFile = false } = options
    const maxOutputBytes = options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES
    const command = `git ${args[0] ?? ''}`
    const exit = await processes.run({
      file: gitPath,
      args: DIFFING.has(args[0] ?? '')
        ? [...args.slice(0, 1), ...PLAIN_DIFF, ...args.slice(1)]
        : args,
      cwd,
      env: gitEnvironment({ base, extra: options.env ?? {}, allowFile, auth }),
      purpose: command,
      timeoutMs,
      maxOutputBytes,
      keepBytes: KEEP_BYTES,
      graceMs: GRACE_MS,
      lease: false,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.input === undefined ? {} : { input: options.input }),
    })
    if (exit.reason === 'exited' && exit.exitCode === 0) return exit.stdout
    throw failure(exit, {
      args: args.map((arg) => cleaned(arg, auth)),
      command,
      cwd,
      auth,
      timeoutMs,
      maxOutputBytes,
    })
  }
}

interface Failing {
  args: string[]
  command: string
  cwd: string
  auth: GitAuth | undefined
  timeoutMs: number
  maxOutputBytes: number
}

function failure(exit: Exit, at: Failing): Error {
  const { args, command, cwd } = at
  const stderr = cleaned(exit.stderr, at.auth).trim().slice(-STDERR_CHARACTERS)
  const data = { args, cwd, exitCode: exit.exitCode, signal: exit.signal, stderr }
  switch (exit.reason) {
    case 'not-found':
      return new ProcessError('GIT_MISSING', 'git was not found on the PATH.', {
        data: { args },
        next: 'Install git 2.31 or newer and start again.',
      })
    case 'aborted':
      return new CommonError('ABORTED', `${command} was aborted.`, { data: { args } })
    case 'timeout':
      return new CommonError('DEADLINE', `${command} took longer than ${at.timeoutMs} ms.`, {
        data: { args, ms: at.timeoutMs, stderr },
      })
    case 'output-limit':
      return new CommonError(
        'TOO_LARGE',
        `${command} wrote more than ${at.maxOutputBytes} bytes.`,
        {
          data: { args, maxBytes: at.maxOutputBytes },
        },
      )
    case 'exited':
    case 'limit':
    case 'refused':
    case 'signalled':
    case 'failed': {
      const how =
        exit.exitCode === undefined
          ? (exit.signal ?? 'could not start')
          : `exit code ${exit.exitCode}`
      const last = (stderr || exit.tail).split('\n').at(-1) ?? ''
      return new ProcessError('GIT_FAILED', `${command} failed (${how}): ${last}`, { data })
    }
  }
}
