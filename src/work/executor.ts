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
import type { TaskTools } from './tools/types.ts'
import type { Check, Chore } from './terms.ts'

export type ExecutorKind = 'acp' | 'chat' | 'command' | 'mock'

/** Where the work is done: the clone, and a home and directory for temporary files of its own. */
export interface Place {
  /** Directory of the task, above all of the others. */
  root: string
  clone: string
  home: string
  tmp: string
  /** Unix socket of the proxy that is its network. Absent: it has none. */
  proxy?: string
  /** Where the tools of its task are, and what opens them. Absent: it has none. */
  tools?: { socket: string; token: string }
}

export interface ExecutorTask {
  /** For the process table: "octo/lib#12". */
  label: string
  /** What to do, for executors that read. */
  prompt: string
  /** One of the executor's models, when the task names it: it uses this one, or ends as `unsuited`. */
  model?: string
  /** Texts for executors that read no prompt; each reaches them as a file. */
  texts?: { advice?: string; question?: string }
  /** Declared chore with its argument values already in place. */
  chore?: { name: string; command: [string, ...string[]]; declared: Chore }
  /** What the repository declares to be run, for executors that run commands on a model's behalf. */
  declared?: { checks: readonly Check[]; chores: Readonly<Record<string, Chore>> }
  limits: ExecutorLimits
  /** For executors whose loop is ours: the tools themselves. Absent: nobody can be asked. */
  tools?: TaskTools
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

/** What a model took. Money in millionths of a US dollar. A field that nobody told is absent. */
export interface Usage {
  inputTokens?: number
  outputTokens?: number
  costMicros?: number
}

export type ExecutorEvent =
  | { type: 'text'; text: string }
  /** The whole plan each time; `done`: how many of the steps are completed. */
  | { type: 'plan'; steps: string[]; done?: number }
  /** `kind`: what it does, in the words of ACP: read, edit, delete, move, search, execute, think, fetch, other. */
  | { type: 'tool'; id: string; title: string; status: string; kind?: string }
  | { type: 'file'; path: string }
  /** A person is asked; what was answered comes as `permission` with the same `question`. */
  | { type: 'asked'; question: string; title: string; kind: string; deadlineMs: number }
  | {
      type: 'permission'
      title: string
      allowed: boolean
      kind?: string
      /** Who decided: a rule, the default, a person, the deadline for one, nobody to ask, the end of the work. */
      by?: PermissionBy
      question?: string
    }
  /** `resumed`: the conversation of before, by a new process. `lost`: a new one instead of it. */
  | { type: 'session'; how: 'new' | 'resumed' | 'lost' }
  /** Of all turns until now. */
  | ({ type: 'usage' } & Usage)

export type PermissionBy = 'rule' | 'default' | 'person' | 'deadline' | 'nobody' | 'end'

export interface TurnResult {
  /**
   * `done`: it says that it finished. `flood`: more output than allowed. `idle`: silent too long.
   * `limit`: more memory, processes or disk than a task may use.
   * `quota`: the model is exhausted or limits its calls. `environment`: this machine cannot run it
   * (not signed in, program missing, no sandbox): the task is not to blame. `budget`: it was stopped
   * because a budget is used up. `unsuited`: it cannot use the model that the task names. `stuck`: it asks
   * for help with `question` instead of going on.
   */
  outcome:
    | 'done'
    | 'failed'
    | 'timeout'
    | 'idle'
    | 'flood'
    | 'limit'
    | 'aborted'
    | 'quota'
    | 'environment'
    | 'budget'
    | 'unsuited'
    | 'stuck'
  /** For `stuck`, at most 4,000 characters. */
  question?: string
  /** For `quota`: when the model says it may be asked again, wall clock, ms since 1970. */
  retryAt?: number
  /** One sentence for a person; for `failed` with the end of what it wrote to stderr. */
  reason: string
  exitCode?: number
  durationMs: number
  /** What it says it did, at most 4 KiB. */
  summary: string
  /** Of this turn. */
  usage?: Usage
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
  /** Whether it has the login that it needs; absent where none is needed. */
  login?(probe: Probe, signal: AbortSignal): Promise<'in' | 'out' | 'unknown'>
  /** For people: what is missing when it is not here, and what to type about that and about the login. */
  readonly advice?: { absent: string; install: string; signIn?: string }
  /** Never throws. */
  start(task: ExecutorTask, place: Place, control: Control): Running
}

/** `none`: nothing runs, what is in the workspace is only looked at and checked. */
export type Runner = Omit<Executor, 'kind'> & { readonly kind: ExecutorKind | 'none' }

export const MAX_WAITING_EVENTS = 1_000
export const MAX_SUMMARY_BYTES = 4 * 1024
export const NO_OUTPUT: TurnResult['output'] = { sha256: sha256(''), bytes: 0, truncated: false }
