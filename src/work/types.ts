/** Doing one task: what the caller orders and what it gets back. Nothing here knows GitHub or claims. */
import type { Permit, Startable } from '../util/index.ts'

export interface WorkOrder {
  /** Unique per attempt and safe as a file name: "octo-lib-12-1". */
  id: string
  repo: string
  issue: { number: number; title: string; body: string; labels: string[] }
  attempt: number
  /** Local bare repository that holds the base commit; the workspace is cloned from it. No credentials. */
  source: {
    gitDir: string
    baseBranch: string
    base: string
    /** Commit of an earlier attempt to go on from. */ resume?: string
  }
  policy: WorkflowPolicy
  /** Who the commits are by. */
  author: { name: string; email: string }
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

export type WorkEvent =
  | { type: 'executor.started'; executor: string; kind: string; sandbox: string }
  | { type: 'executor.output'; sha256: string; bytes: number; truncated: boolean }
  | {
      type: 'executor.ended'
      executor: string
      outcome: string
      exitCode?: number
      durationMs: number
      usage?: { inputTokens?: number; outputTokens?: number }
    }
  | { type: 'check.run'; result: CheckResult }
  | { type: 'progress'; text: string }

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
  | 'NO_CHANGE'
  | 'CHECKS_FAILED'
  | 'PROTECTED_PATH'
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
}

export type WorkResult = (Changed | Failed) & {
  durationMs: number
  /** Removes the workspace. Idempotent. */
  dispose(): Promise<void>
}

export interface Detected {
  executors: {
    name: string
    kind: 'acp' | 'command' | 'chat' | 'handler' | 'mock'
    version?: string
    models: string[]
  }[]
  models: string[]
  languages: { name: string; version?: string }[]
  tools: { name: string; version?: string }[]
  cpu: { cores: number; load1: number }
  memory: { totalBytes: number; freeBytes: number }
  gpu: { name: string; memoryBytes?: number }[]
}

export interface Work extends Startable {
  /** Whether a frozen permit stops the work in place here; where not, whoever orders must abort it. */
  readonly freezes: boolean
  /** Looks at the machine: executors, languages, tools, models, cpu, memory, gpu. Bounded to 20 s. */
  detect(signal?: AbortSignal): Promise<Detected>
  /** Reads WORKFLOW.md and AGENTS.md at a commit. Errors: `WORKFLOW_INVALID` with the line. */
  readPolicy(gitDir: string, commit: string): Promise<WorkflowPolicy>
  /** Which executor would do this, or why none can; pure but for what detection found. */
  choose(
    instructions: Instructions,
    policy: WorkflowPolicy,
  ): { executor: string } | { reason: string; code: WorkFailureCode }
  /**
   * Never rejects for what the executor or the checks do: that is a `Failed`. Aborting stops all its
   * processes. While the permit is frozen they stand still, with their limits. Default: never frozen.
   */
  run(
    order: WorkOrder,
    instructions: Instructions,
    options: { signal: AbortSignal; permit?: Permit; onEvent: (event: WorkEvent) => void },
  ): Promise<WorkResult>
}
