/**
 * What an executor is: something that changes the files of a workspace for a task. Every one
 * passes the same compliance suite (test/compliance/executor-suite.ts); `mock` sets the contract.
 *
 *   start ──► working ──result──► resting ──again──► working
 *                │                   │
 *                └──────stop─────────┴──► gone (no process, no event, nothing left behind)
 *
 * While its permit is frozen an executor does nothing, and none of its limits runs; `stop` ends it as
 * it is. It goes on where it stood.
 *
 * Only executors that can take a second turn in the same session have `again`; the others are gone
 * when their result is there.
 */
import { sha256, type Permit } from '../util/index.ts'
import type { Probe } from './probe.ts'
import type { Chore } from './types.ts'

export type ExecutorKind = 'acp' | 'command' | 'mock'

/** Where the work is done: the clone, and a home and directory for temporary files of its own. */
export interface Place {
  /** Directory of the task, above all of the others. */
  root: string
  clone: string
  home: string
  tmp: string
  /** Unix socket of the proxy that is its network. Absent: it has none. */
  proxy?: string
}

export interface ExecutorTask {
  /** For the process table: "octo/lib#12". */
  label: string
  /** What to do, for executors that read. */
  prompt: string
  /** Declared chore with its argument values already in place. */
  chore?: { name: string; command: [string, ...string[]]; declared: Chore }
  limits: ExecutorLimits
}

export interface ExecutorLimits {
  /** All turns together, ms. */
  wallTimeMs: number
  idleTimeMs: number
  /** All of a child's life, checks between the turns included, ms. */
  lifeTimeMs: number
  maxOutputBytes: number
  graceMs: number
  helloTimeMs: number
}

export type ExecutorEvent =
  | { type: 'text'; text: string }
  | { type: 'plan'; steps: string[] }
  | { type: 'tool'; id: string; title: string; status: string }
  | { type: 'file'; path: string }
  | { type: 'permission'; title: string; allowed: boolean }
  | { type: 'usage'; inputTokens?: number; outputTokens?: number }

export interface TurnResult {
  /**
   * `done`: it says that it finished. `flood`: more output than allowed. `idle`: silent too long.
   * `limit`: more memory, processes or disk than a task may use.
   * `quota`: the model is exhausted or limits its calls. `environment`: this machine cannot run it
   * (not signed in, program missing, no sandbox): the task is not to blame.
   */
  outcome:
    'done' | 'failed' | 'timeout' | 'idle' | 'flood' | 'limit' | 'aborted' | 'quota' | 'environment'
  /** For `quota`: when the model says it may be asked again, wall clock, ms since 1970. */
  retryAt?: number
  /** One sentence for a person; for `failed` with the end of what it wrote to stderr. */
  reason: string
  exitCode?: number
  durationMs: number
  /** What it says it did, at most 4 KiB. */
  summary: string
  usage?: { inputTokens?: number; outputTokens?: number }
  output: { sha256: string; bytes: number; truncated: boolean }
}

export interface Running {
  /** One consumer; ends when the executor is gone. At most 1,000 wait; more are dropped. */
  readonly events: AsyncIterable<ExecutorEvent>
  /** Of the first turn. Never rejects. */
  readonly result: Promise<TurnResult>
  /** A second turn in the same session, after `result` was `done`. Never rejects. */
  again?(prompt: string): Promise<TurnResult>
  /** Ends it within the grace; resolves when nothing is left of it. Idempotent, never rejects. */
  stop(reason: string): Promise<void>
}

export interface Control {
  /** Aborting it is `stop`. */
  signal: AbortSignal
  permit: Permit
}

export interface Executor {
  readonly name: string
  readonly kind: ExecutorKind
  readonly models: readonly string[]
  /** Hosts that it cannot do without, as `EgressInit.hosts`. Default none. */
  readonly hosts?: readonly string[]
  readonly capabilities: { turns: boolean; permissions: boolean; usage: boolean }
  /** Whether it is here; undefined when not. */
  detect(probe: Probe, signal: AbortSignal): Promise<{ version?: string } | undefined>
  /** Never throws. */
  start(task: ExecutorTask, place: Place, control: Control): Running
}

export const MAX_WAITING_EVENTS = 1_000
export const MAX_SUMMARY_BYTES = 4 * 1024
export const NO_OUTPUT: TurnResult['output'] = { sha256: sha256(''), bytes: 0, truncated: false }
