/** What happens while a task is worked, and what is shown of executors. */
import type { PermissionBy, Usage } from './executor.ts'
import type { CheckResult } from './types.ts'

export type WorkEvent =
  /** `reason`: why this executor. */
  | {
      type: 'executor.started'
      executor: string
      kind: string
      sandbox: string
      reason?: string
    }
  | { type: 'executor.output'; sha256: string; bytes: number; truncated: boolean }
  | {
      type: 'executor.ended'
      executor: string
      outcome: string
      exitCode?: number
      durationMs: number
      usage?: Usage
    }
  /** Whether the executor went on with a conversation that it had before. */
  | { type: 'executor.session'; executor: string; how: 'new' | 'resumed' | 'lost' }
  /** What it did since the last of these, in numbers, kinds and digests (SHA-256 in hex). */
  | ({ type: 'executor.activity'; executor: string } & Activity)
  /** `sha256`: of the title of what it wants. `question`: names it for `bzzz task answer`. */
  | {
      type: 'executor.asked'
      executor: string
      question: string
      kind: string
      sha256: string
      deadlineMs: number
    }
  | {
      type: 'executor.permission'
      executor: string
      kind: string
      sha256: string
      allowed: boolean
      by: PermissionBy
      question?: string
    }
  | { type: 'check.run'; result: CheckResult }
  | { type: 'progress'; text: string }

export interface Activity {
  /** Tool calls that ended, at most 64; each with the digest of its title. */
  tools: { kind: string; status: string; sha256: string }[]
  /** Tool calls that ended beside those. */
  moreTools: number
  plan?: { steps: number; done: number; sha256: string }
  /** Files that it wrote by way of the agent; `sha256` of their sorted paths, one a line. */
  files?: { count: number; sha256: string }
  /** What it asked for and was told by a rule or the default; what was told apart does not count. */
  permissions?: { allowed: number; denied: number }
  /** Of all its turns until now. */
  usage?: Usage
}

/** What an executor wants a person to decide. Title, command and paths are words of the executor. */
export interface Question {
  /** Eight hexadecimal digits. */
  id: string
  /** owner/name#12 */
  task: string
  executor: string
  /** What it wants to do, in the words of ACP: read, edit, delete, move, search, execute, fetch, other … */
  kind: string
  title: string
  command?: string
  paths: string[]
  /** Wall clock, ms since 1970. */
  askedAtMs: number
  /** It is denied then; wall clock, ms since 1970, later only when the work is frozen meanwhile. */
  deadlineMs: number
}

/** An executor as `bzzz executor ls` shows it. */
export interface ExecutorReport {
  name: string
  kind: 'acp' | 'command' | 'chat' | 'handler' | 'mock'
  /** False for a known coding agent that is not to be used here. */
  configured: boolean
  found: boolean
  version?: string
  models: string[]
  /** Whether it has a login; `unknown` where that cannot be seen from outside. */
  login: 'in' | 'out' | 'unknown' | 'none needed'
  usable: boolean
  /** Why it is not usable, in a sentence. */
  why?: string
  /** What to type or change about it. */
  next?: string
  /** A running agent leaves it alone until then; wall clock, ms since 1970. */
  awayUntilMs?: number
}
