/** What every command gets: its global options, where to write, when to end, and which home is meant. */
import type { Output } from './output/output.ts'

export interface GlobalOptions {
  home?: string
  config?: string
  json?: true
  quiet?: true
  verbose?: true
  color: boolean
  input: boolean
  /** Seconds. */
  timeout?: number
}

export interface Context {
  globals: GlobalOptions
  out: Output
  /** Fires on Ctrl-C, SIGTERM and SIGHUP. Never for commands that handle signals themselves. */
  signal: AbortSignal
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  home(): Promise<string>
  /** `--timeout` in ms, else the default. */
  timeoutMs(defaultMs: number): number
}

/** A command's body: the exit code, or an error that has one. */
export type Body = (context: Context) => Promise<number>
