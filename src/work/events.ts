/** What happens while a task is worked, as it is told to the caller. */
import type { PermissionBy, Usage } from './executor.ts'
import type { Activity } from './told.ts'
import type { CheckResult } from './terms.ts'

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
  /** What the sandbox asked of the network, at the end of a task that had some. */
  | { type: 'executor.network'; report: NetworkReport }
  | { type: 'check.run'; result: CheckResult }
  | { type: 'progress'; text: string }

export interface NetworkReport {
  /** At most 40 different ones; `more` counts requests beyond them. */
  refused: { host: string; port: number; reason: string; count: number }[]
  more: number
  allowed: { host: string; port: number; count: number }[]
  bytes: number
}
