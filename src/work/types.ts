/** Doing one task: what the caller orders and what it gets back. Nothing here knows GitHub or claims. */
import type { Permit, Startable } from '../util/index.ts'
import type { About, Choice } from './choose.ts'
import type { LimitView } from './budget/budget.ts'
import type { Budgets, Spent } from './budget/limits.ts'
import type { StandingView } from './health/health.ts'
import type { WorkEvent } from './events.ts'
import type { Detected, ExecutorReport, Question } from './told.ts'
import type { Peers } from './tools/peers.ts'
import type { TaskTools } from './tools/types.ts'

export type * from './events.ts'
export type * from './tools/peers.ts'
export type { LimitView } from './budget/budget.ts'
export type { Spent } from './budget/limits.ts'
export type { StandingView } from './health/health.ts'

export type { Activity, Detected, ExecutorReport, Question } from './told.ts'

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

/** What attempts used, those before included. */
export interface Used {
  /** Wall-clock time of executors, ms. */
  wallMs: number
  turns: number
  inputTokens?: number
  outputTokens?: number
  /** Millionths of a US dollar. */
  costMicros?: number
}

/** Unfinished work as it stood at one moment. */
export interface Checkpoint {
  /** Repository to fetch `head` from; exists until the run is disposed. */
  gitDir: string
  /** Commit with the work so far; its message says nothing. */
  head: string
  /** `stop`: the work has ended, and this is the last one. */
  why: 'timer' | 'stop'
  /** Changed files, and the sizes of those that are left, bytes. */
  files: number
  bytes: number
  /** What was left out, one line each; at most 20. */
  notes: string[]
  /** What was tried so far, for whoever goes on: at most 8 KiB of cleaned text. */
  digest: string
  used: Used
}

/** `later`: it could not be kept now. `never`: neither this one nor a later one can be. */
export type Kept = 'kept' | 'later' | 'never'

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

export interface Chore {
  /** Program and arguments; `{{name}}` is replaced by the validated argument of that name. */
  run: string[]
  description?: string
  /** Arguments that an issue may give, each a JSON-Schema-like rule. */
  arguments: Record<
    string,
    {
      type: 'string' | 'integer' | 'boolean'
      pattern?: string
      enum?: string[]
      default?: string | number | boolean
      /** Longest accepted text; default 200, at most 1,000. */
      maxLength?: number
      /** For people: what to give. */
      description?: string
    }
  >
}

export interface Check {
  name: string
  run: string[]
  timeoutMs: number
}

/** Decoded `WORKFLOW.md` and `AGENTS.md` of the base branch. */
export interface WorkflowPolicy {
  /** Nothing new is taken in the repository; the reason, or empty. Absent: not paused. */
  paused?: string
  /** All of them must be on the issue, beside the trigger label. */
  requiredLabels: string[]
  checks: Check[]
  chores: Record<string, Chore>
  /** Wall-clock limit of the executor, ms. */
  wallTimeMs: number
  /** What may be spent on the repository; the agent's own budgets count, too. */
  budget?: Budgets
  /** Languages of the repository at that commit, the most used first. */
  languages?: string[]
  /** Text of AGENTS.md, at most 64 KiB; empty when there is none. */
  agentsText: string
  /** Prose below the front matter of WORKFLOW.md, at most 64 KiB. */
  workflowText: string
}

/** What the issue's fenced `bzzz` block asks for; decoded in `tasks/`, carried out in `work/`. */
export interface Instructions {
  chore?: string
  arguments?: Record<string, string | number | boolean>
  executor?: string
}

export interface CheckResult {
  name: string
  outcome: 'passed' | 'failed' | 'timeout' | 'error'
  exitCode?: number
  durationMs: number
  /** Last part of the output, at most 4 KiB, for a comment. */
  tail: string
  outputSha256: string
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

export type WorkFailureCode =
  | 'NO_EXECUTOR'
  | 'CHORE_NOT_DECLARED'
  | 'CHORE_ARGUMENT'
  | 'EXECUTOR_FAILED'
  | 'EXECUTOR_TIMEOUT'
  | 'EXECUTOR_FLOOD'
  /** More memory, processes or disk than a task may use. */
  | 'EXECUTOR_LIMIT'
  | 'QUOTA'
  | 'ENVIRONMENT'
  /** A budget is used up; with `retryAt` one of a day, else the task's own. */
  | 'BUDGET'
  /** The executor asks for help, with `question`. */
  | 'STUCK'
  | 'NO_CHANGE'
  | 'CHECKS_FAILED'
  | 'PROTECTED_PATH'
  | 'SECRET_FOUND'
  | 'DIFF_TOO_LARGE'
  | 'WORKSPACE'
  | 'ABORTED'

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

/** Unfinished work of a run that has ended, or stands still for the moment. */
export type Left = Pick<
  Checkpoint,
  'gitDir' | 'head' | 'files' | 'bytes' | 'notes' | 'digest' | 'used'
>

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
