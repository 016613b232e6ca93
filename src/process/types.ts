/** Children as guests: one owner, own directory and environment, bounded output, no orphans. */

export interface SpawnRequest {
  /** Program; looked up on `env.PATH` only. */
  file: string
  args: readonly string[]
  cwd: string
  /** The whole environment: nothing is inherited. */
  env: Record<string, string>
  /** What it is for, for the process table: "check test of octo/lib#12". */
  purpose: string
  /** Wall-clock limit, ms. Required: no child runs for ever. */
  timeoutMs: number
  /** Bytes of stdout plus stderr after which the child is stopped with `OUTPUT_LIMIT`. Default 16 MiB. */
  maxOutputBytes?: number
  /** Bytes of the end of the output that are kept for `tail`. Default 64 KiB. */
  keepBytes?: number
  /** Time between TERM and KILL, ms. Default 3,000. */
  graceMs?: number
  signal?: AbortSignal
  /** Text for stdin, then end. Without it stdin is empty. */
  input?: string
}

export interface Exit {
  /** `exited`: by itself, whatever the code. */
  reason: 'exited' | 'signalled' | 'timeout' | 'aborted' | 'output-limit' | 'not-found' | 'failed'
  exitCode?: number
  signal?: string
  durationMs: number
  stdout: string
  /** End of stdout and stderr as they came, at most `keepBytes`. */
  tail: string
  outputBytes: number
  truncated: boolean
  /** Of all output, SHA-256 in hex. */
  outputSha256: string
}

/** A child with open pipes, for protocols over stdio. */
export interface Guest {
  readonly pid: number
  readonly stdin: import('node:stream').Writable
  readonly stdout: import('node:stream').Readable
  /** Settles when the child and all of its descendants are gone; never rejects. */
  readonly exit: Promise<Exit>
  /** TERM to the group, KILL after the grace; resolves when nothing is left. */
  stop(reason?: string): Promise<Exit>
}

export interface Processes {
  /** Runs to the end. Never rejects for what the child does; rejects with `ABORTED` only before the spawn. */
  run(request: SpawnRequest): Promise<Exit>
  spawn(request: SpawnRequest): Guest
  /** Children that run now. */
  list(): { pid: number; purpose: string; startedAt: number }[]
  /** Ends what an earlier process of this home left behind; returns how many were ended. */
  sweep(): Promise<number>
  /** Stops all children. Idempotent. */
  stop(): Promise<void>
}

export interface GitAuth {
  /** Base URL that the header is for: "https://github.com/". */
  url: string
  token: string
}

/** Hardened git: no system or user configuration, no prompts, no hooks, no file protocol but where allowed. */
export interface Git {
  /** Resolves with stdout; `GIT_FAILED` (data: args, exitCode, stderr cleaned of secrets) when git exits non-zero. */
  (
    args: readonly string[],
    options: {
      cwd: string
      auth?: GitAuth
      signal?: AbortSignal
      timeoutMs?: number
      input?: string
      env?: Record<string, string>
      maxOutputBytes?: number
    },
  ): Promise<string>
}
