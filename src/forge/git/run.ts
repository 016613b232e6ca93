/**
 * Git as a child process in a bare repository: bytes in, bytes out. The environment is built from
 * nothing, so no configuration, hook, prompt or identity of the user's machine reaches it. It
 * reads blobs, which are bytes, and bridges packs: that is why it stands on open pipes and not on
 * a call that returns text.
 */
import { devNull } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { ForgeError } from '../errors.ts'
import { gate } from './gate.ts'

/** The part of a process manager that the forge uses. */
export interface Spawner {
  spawn(request: {
    file: string
    args: readonly string[]
    cwd: string
    env: Record<string, string>
    purpose: string
    timeoutMs: number
    maxOutputBytes?: number
    keepBytes?: number
    /** False: git is short and trusted, so nothing is recorded on disk about it. */
    lease?: boolean
  }): GitChild
}

export interface GitChild {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly exit: Promise<{ reason: string; exitCode?: number; tail: string }>
  stop(reason?: string): Promise<unknown>
}

export interface RunOptions {
  input?: string | Uint8Array
  env?: Record<string, string>
  /** Exit codes that are an answer and not a fault. Default [0]. */
  ok?: readonly number[]
}

export interface GitOutput {
  code: number
  stdout: Buffer
  /** stdout as text, without the last line break. */
  text: string
}

export interface GitRunner {
  /** Errors: `FORGE_GIT_FAILED` (data: args, exitCode, output), `FORGE_GIT_MISSING`. */
  run(dir: string, args: readonly string[], options?: RunOptions): Promise<GitOutput>
  /** A child with open pipes, for the smart HTTP protocol. */
  open(args: readonly string[], env?: Record<string, string>): GitChild
  /** False while as many transfers run as are allowed at once. */
  mayOpen(): boolean
  /** Ends every child; resolves when none is left. */
  stop(): Promise<void>
}

/** One plumbing command; a merge of a large tree takes seconds, not minutes. */
const COMMAND_MS = 60_000
/** One clone or push over HTTP. */
const TRANSFER_MS = 15 * 60_000
/** Largest answer of a plumbing command that is kept in memory. */
const COMMAND_BYTES = 64 * 1024 * 1024
/** Largest pack served or reported on in one transfer. */
const TRANSFER_BYTES = 4 * 1024 * 1024 * 1024
/** Clones and pushes at once; the next is told to come back. */
const TRANSFERS = 64
const AT_ONCE = 8
const WAITING = 2_000

export const IDENTITY = { name: 'Forge', email: 'forge@localhost' }

const missing = () =>
  new ForgeError('FORGE_GIT_MISSING', 'git was not found on the PATH.', {
    next: 'Install git 2.31 or newer and start again.',
  })

export function gitRunner(init: { cwd: string; path: string; spawner: Spawner }): GitRunner {
  const children = new Set<GitChild>()
  const through = gate(AT_ONCE, WAITING)
  let transfers = 0
  const base: Record<string, string> = {
    PATH: init.path,
    HOME: init.cwd,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: IDENTITY.name,
    GIT_AUTHOR_EMAIL: IDENTITY.email,
    GIT_COMMITTER_NAME: IDENTITY.name,
    GIT_COMMITTER_EMAIL: IDENTITY.email,
  }

  function start(
    args: readonly string[],
    env: Record<string, string>,
    limits: { timeoutMs: number; maxOutputBytes: number },
  ): GitChild {
    const child = init.spawner.spawn({
      file: 'git',
      args,
      cwd: init.cwd,
      env: { ...base, ...env },
      purpose: `forge: git ${args.find((arg) => !arg.startsWith('-')) ?? ''}`,
      keepBytes: 8 * 1024,
      lease: false,
      ...limits,
    })
    children.add(child)
    void child.exit.finally(() => children.delete(child))
    child.stdin.on('error', () => undefined)
    return child
  }

  async function run(
    dir: string,
    args: readonly string[],
    { input, env = {}, ok = [0] }: RunOptions = {},
  ): Promise<GitOutput> {
    return through(async () => {
      const limits = { timeoutMs: COMMAND_MS, maxOutputBytes: COMMAND_BYTES }
      const child = start([`--git-dir=${dir}`, ...args], env, limits)
      const chunks: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
      const ended = new Promise<void>((resolve) => {
        child.stdout.once('close', resolve)
        child.stdout.once('end', resolve)
        child.stdout.once('error', () => resolve())
      })
      child.stdin.end(input ?? '')
      const exit = await child.exit
      await ended
      if (exit.reason === 'not-found') throw missing()
      const code = exit.exitCode ?? -1
      if (exit.reason !== 'exited' || !ok.includes(code)) {
        throw new ForgeError('FORGE_GIT_FAILED', `git ${args[0] ?? ''} failed (${exit.reason}).`, {
          data: { args: args.slice(0, 6), exitCode: code, output: exit.tail.slice(-2_000) },
        })
      }
      const stdout = Buffer.concat(chunks)
      return {
        code,
        stdout,
        get text() {
          return stdout.toString('utf8').replace(/\n$/, '')
        },
      }
    })
  }

  return {
    run,
    open: (args, env = {}) => {
      const child = start(args, env, { timeoutMs: TRANSFER_MS, maxOutputBytes: TRANSFER_BYTES })
      transfers += 1
      void child.exit.finally(() => {
        transfers -= 1
      })
      return child
    },
    mayOpen: () => transfers < TRANSFERS,
    stop: async () => {
      await Promise.all([...children].map((child) => child.stop('the forge stops')))
    },
  }
}
