/** Children as guests: one owner, own directory and environment, bounded output, no orphans. */
import type { Readable, Writable } from 'node:stream'
import type { Permit } from '../util/index.ts'

export interface SpawnRequest {
  /** Program; looked up on `env.PATH` only. */
  file: string
  args: readonly string[]
  cwd: string
  /** The whole environment: nothing is inherited. `BZZZ_RUN` is added, the mark by which what escapes is found. */
  env: Record<string, string>
  /** What it is for, for the process table: "check test of octo/lib#12". */
  purpose: string
  /** Wall-clock limit, ms. Required: no child runs for ever. */
  timeoutMs: number
  /** Bytes of stdout plus stderr after which the child is stopped with `output-limit`. Default 16 MiB. */
  maxOutputBytes?: number
  /** Bytes of the end of the output that are kept for `tail`. Default 64 KiB. */
  keepBytes?: number
  /** Time between TERM and KILL, ms. Default 3,000. */
  graceMs?: number
  signal?: AbortSignal
  /**
   * While it is frozen, the child and all that it started are stopped in place (where `freezes` is
   * true) and `timeoutMs` does not run. What is told to end meanwhile is killed without a grace,
   * since it may not run any more.
   */
  permit?: Permit
  /** Text for stdin, then end. Without it stdin is empty. */
  input?: string
  /**
   * False for short, trusted tools such as git: no record on disk, no search for escaped
   * descendants at the end; the group is still ended. Default true.
   */
  lease?: boolean
  /**
   * What it may reach; everything else is not there. Absent: no sandbox, for trusted tools only. With
   * one, and none in force, nothing is started (`refused`), unless the operator chose `off`.
   */
  sandbox?: SandboxRequest
}

/** Paths are absolute and those of the agent; they are the same within. */
export interface SandboxRequest {
  /** Directories and files that may be read beside the system's own. Those that do not exist are left out. */
  read: string[]
  /** Directories that may be read and written. */
  write: string[]
  /** Unix sockets that may be connected to. */
  sockets?: string[]
  /**
   * Default `none`. `proxy`: unix socket of an HTTP proxy; within, HTTP_PROXY and HTTPS_PROXY lead to
   * it and nothing else is reachable.
   */
  network?: 'none' | 'host' | { proxy: string }
  limits?: SandboxLimits
}

export interface SandboxLimits {
  /** Of all its processes together. Default: half of the machine's memory. */
  memoryBytes?: number
  /** Processes and threads. Default 1,024. */
  processes?: number
  /** Growth of what lies in `write`, and size of one file. Default 10 GiB. */
  diskBytes?: number
  /** Of one process. Default 4,096. */
  openFiles?: number
}

export type SandboxKind = 'bubblewrap' | 'landlock' | 'container' | 'none'

/** What the operator asks for: `auto` takes the first of bubblewrap and Landlock that works. */
export type SandboxChoice = 'auto' | 'bubblewrap' | 'landlock' | 'container' | 'off'

/** Which sandbox is in force. */
export interface SandboxState {
  kind: SandboxKind
  /** The operator wrote `off`: with `none`, children are started all the same. */
  off: boolean
  /** One sentence: why this one. */
  why: string
  /** What to install or to change for a better one. */
  next?: string
  /** What it does not keep apart, one sentence each. */
  lacks: string[]
}

export type ExceededLimit = 'memory' | 'processes' | 'disk'

export interface Exit {
  /**
   * `exited`: by itself, whatever the code. `limit`: it used more than `sandbox.limits` allow
   * (`exceeded`). `refused`: no sandbox is in force; `tail` says what to do.
   */
  reason:
    | 'exited'
    | 'signalled'
    | 'timeout'
    | 'aborted'
    | 'output-limit'
    | 'limit'
    | 'not-found'
    | 'failed'
    | 'refused'
  /** With `limit`: which. */
  exceeded?: ExceededLimit
  exitCode?: number
  signal?: string
  durationMs: number
  /** All of stdout, at most `maxOutputBytes`; empty for a guest, whose owner reads it. */
  stdout: string
  /** End of stderr, at most `keepBytes`. */
  stderr: string
  /** End of stdout and stderr as they came, at most `keepBytes`; for `failed` and `not-found`, why. */
  tail: string
  outputBytes: number
  /** True when `tail` is not all of the output. */
  truncated: boolean
  /** Of all output, SHA-256 in hex. */
  outputSha256: string
}

/** A child with open pipes, for protocols over stdio. */
export interface Guest {
  /** 0 when it could not be started; `exit` then says why. */
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  /** Flows also when nobody listens: add a listener at once, or what came is gone. */
  readonly stderr: Readable
  /** Settles when the child and all of its descendants are gone; never rejects. */
  readonly exit: Promise<Exit>
  /** TERM to the group, KILL after the grace; resolves when nothing is left. */
  stop(reason?: string): Promise<Exit>
}

export interface Processes {
  /** Whether this platform can stop a tree of processes in place. */
  readonly freezes: boolean
  /** Runs to the end. Never rejects for what the child does; rejects with `ABORTED` only before the spawn. */
  run(request: SpawnRequest): Promise<Exit>
  /** Throws `ABORTED` when the signal has fired or the agent is stopping. */
  spawn(request: SpawnRequest): Guest
  /** Finds out which sandbox works here by trying it, once. Never rejects. */
  prepare(): Promise<SandboxState>
  /** What `prepare` found; `none` before. */
  sandbox(): SandboxState
  /** Children that run now. */
  list(): { pid: number; purpose: string; startedAt: number }[]
  /** Ends what an earlier process of this home left behind; returns how many processes were ended. */
  sweep(): Promise<number>
  /** Stops all children. Idempotent. */
  stop(): Promise<void>
}

export interface GitAuth {
  /** Base URL that the header is for: "https://github.com/". */
  url: string
  token: string
}

/**
 * Hardened git: no system or user configuration, no prompts, no hooks, http and https only.
 * Local paths need `allowFile`.
 */
export interface Git {
  /**
   * Resolves with stdout. Errors: `GIT_FAILED` (data: args, exitCode, stderr cleaned of secrets) when
   * git exits non-zero, `GIT_MISSING`, `DEADLINE`, `ABORTED`, `TOO_LARGE`.
   */
  (
    args: readonly string[],
    options: {
      cwd: string
      auth?: GitAuth
      signal?: AbortSignal
      /** Default 60,000. */
      timeoutMs?: number
      input?: string
      /** Added to the environment; cannot undo the hardening. */
      env?: Record<string, string>
      /** Default 16 MiB. */
      maxOutputBytes?: number
      /** Lets this call clone, fetch from or push to a path on this machine. Default false. */
      allowFile?: boolean
    },
  ): Promise<string>
}
