/** Doing one task: what the caller orders and what it gets back. Nothing here knows GitHub or claims. */
import type { Permit, Startable } from '../util/index.ts'
import type { About, Choice } from './choose.ts'
import type { LimitView } from './budget/budget.ts'
import type { Spent } from './budget/limits.ts'
import type { StandingView } from './health/health.ts'
import type { WorkEvent } from './events.ts'
import type { Detected, ExecutorReport, Question } from './told.ts'
import type {
  CheckResult,
  Checkpoint,
  Instructions,
  Kept,
  Left,
  Used,
  WorkFailureCode,
  WorkflowPolicy,
} from './terms.ts'
import type { Peers } from './tools/peers.ts'
import type { TaskTools } from './tools/types.ts'

export type * from './events.ts'
export type * from './tools/peers.ts'
export type * from './terms.ts'
export type { LimitView } from './budget/budget.ts'
export type { Spent } from './budget/limits.ts'
export type { StandingView } from './health/health.ts'

export type { Detected, ExecutorReport, Question } from './told.ts'

export interface WorkOrder {
  /** Unique per attempt and safe as a file name: "octo-lib-12-1". */
  id: string
  repo: string
  issue: { number: number; title: string; body: string; labels: string[] }
  attempt: number
  /** No executor runs: what `resume` holds is checked as it is. */
  only?: 'checks'
  /** Local bare repository that holds the base commit; the workspace is cloned from it. No credentials. */
  source: {
    gitDir: string
    baseBranch: string
    base: string
    /** Commit of an earlier attempt to go on from. */
    resume?: string
    /** Commit that the work's own commit is built on, when that is not `resume`: the one below its checkpoints. */
    onto?: string
  }
  /** What the earlier attempts at the issue used, as far as known. */
  used?: Used
  policy: WorkflowPolicy
  /** What else the executor is shown. */
  quoted?: QuotedParts
  /** Who the commits are by. */
  author: { name: string; email: string }
  /** Who else had a part in what `source.resume` holds. Default: nobody. */
  coAuthors?: readonly { name: string; email: string }[]
  /** No executor runs: what `source.resume` holds is checked, and becomes the result. */
  verify?: { by: string; summary: string }
  /** Another agent's question about this task is answered instead of doing it; texts are hostile. */
  help?: {
    question: string
    /** What that agent says of its work so far. */
    summary: string
    /** Only words are wanted: the files are not those of the repository, or no patch is asked for. */
    adviceOnly: boolean
  }
}

/**
 * Texts beside the issue that go into the prompt. Each is data between a fence of its own, cleaned, and
 * cut to 32 KiB; which people may speak there is decided by who fills them in.
 */
export interface QuotedParts {
  /** What earlier attempts at the issue did and why they ended. */
  earlier?: string
  /** Reviews, failing checks and conflicts of the pull request that is to be changed. */
  feedback?: string
  /** What another agent advises. */
  advice?: string
}

export interface Changed {
  outcome: 'changed'
  /** Repository to fetch `head` from; exists until `dispose`. */
  gitDir: string
  head: string
  files: { path: string; insertions: number; deletions: number }[]
  /** For the pull request, by the executor, at most 4 KiB of cleaned text. */
  summary: string
  checks: CheckResult[]
  executor: string
}

export interface Failed {
  outcome: 'failed'
  code: WorkFailureCode
  /** One sentence for a person. */
  reason: string
  /** What was tried, in order, one line each. */
  tried: string[]
  checks: CheckResult[]
  executor?: string
  /** When it may go better, wall clock, ms since 1970. */
  retryAt?: number
  /** What the executor asked, with `STUCK`; cleaned. */
  question?: string
  /** Its last words, of a turn that it ended itself; at most 4 KiB, cleaned. */
  said?: string
  /** What stands in the workspace, as far as it may leave; absent where that is nothing. Until `dispose`. */
  left?: Left
}

export type WorkResult = (Changed | Failed) & {
  durationMs: number
  /** Removes the workspace. Idempotent. */
  dispose(): Promise<void>
}

export interface RunOptions {
  signal: AbortSignal
  permit?: Permit
  onEvent: (event: WorkEvent) => void
  /**
   * Called with the work so far whenever it changed and `checkpointMs` have passed, and once more
   * when it is stopped before it is finished; never while the permit is frozen, never twice at once.
   * Chores have none: half of one is nothing to go on from.
   */
  onCheckpoint?: (checkpoint: Checkpoint, signal: AbortSignal) => Promise<Kept>
  /** Default 120,000; 0: only the last one. */
  checkpointMs?: number
  /** Whom the executor may ask for help while it works. Default: nobody. */
  peers?: Peers
}

export interface Work extends Startable {
  /** Whether a frozen permit stops the work in place here; where not, whoever orders must abort it. */
  readonly freezes: boolean
  /** Looks at the machine: executors, languages, tools, models, cpu, memory, gpu. Bounded to 20 s. */
  detect(signal?: AbortSignal): Promise<Detected>
  /** All executors that are configured, then known coding agents that are not. Bounded to 20 s. */
  inspect(signal?: AbortSignal): Promise<ExecutorReport[]>
  /** What waits for a person now, oldest first. */
  questions(): Question[]
  /** Errors: `QUESTION_UNKNOWN` when it does not wait (any more). */
  answer(id: string, answer: 'allow' | 'deny'): Question
  /** Reads WORKFLOW.md and AGENTS.md at a commit. Errors: `WORKFLOW_INVALID` with the line. */
  readPolicy(gitDir: string, commit: string): Promise<WorkflowPolicy>
  /** Which executor would do this, or why none can; pure but for what detection found. */
  choose(
    instructions: Instructions,
    policy: WorkflowPolicy,
    about?: About & { repo?: string; issue?: number },
  ): Choice
  /** Executors that are left alone or on trial, and why. */
  standings(): StandingView[]
  /** What was spent of this agent's budgets of a day. */
  budgets(): LimitView[]
  /** What a task that runs here offers its executor; undefined while none runs, or it may ask nobody. */
  tools(task: { repo: string; issue: number }): TaskTools | undefined
  /** What attempts at a task took, as far as the journals here tell. */
  spent(task: { repo: string; issue: number }): Spent
  /**
   * Never rejects for what the executor or the checks do: that is a `Failed`. Aborting stops all its
   * processes. While the permit is frozen they stand still, with their limits. Default: never frozen.
   */
  run(order: WorkOrder, instructions: Instructions, options: RunOptions): Promise<WorkResult>
}
