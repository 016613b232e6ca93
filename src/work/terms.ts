/**
 * Words that all of the room share: what a task is done by, what is kept of it, and how it is checked.
 */
import type { Budgets } from './budget/limits.ts'

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

/** What the fenced `bzzz` block asks for; decoded in `tasks/`, carried out in `work/`. */
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

/** Unfinished work of a run that has ended, or stands still for the moment. */
export type Left = Pick<
  Checkpoint,
  'gitDir' | 'head' | 'files' | 'bytes' | 'notes' | 'digest' | 'used'
>

export type HelpForm = 'patch' | 'advice' | 'takeover'
