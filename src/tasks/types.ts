/** What people and programs see of tasks. */
import type { LoggedEntry } from '../journal/index.ts'

/**
 * open → claimed → working → checking → publishing → done
 *   │        │         │         │           └─ failed, cancelled, released
 *   └─ waiting (for a peer with a needed capability, or for a block to go)
 * `released` goes back to `open` for the mesh; done, failed and cancelled are final.
 */
export type TaskState =
  | 'open'
  | 'waiting'
  | 'claimed'
  | 'working'
  | 'checking'
  | 'publishing'
  | 'done'
  | 'failed'
  | 'cancelled'
  | 'released'

export interface TaskRow {
  /** owner/name */
  repo: string
  issue: number
  title: string
  state: TaskState
  /** Name of the agent that holds or held the claim last; null before any claim. */
  agent: string | null
  /** 0 before any claim. */
  attempt: number
  pullRequest: { number: number; url: string } | null
  /** From the claim to the end, or until now; null before any claim. */
  durationMs: number | null
  /** Only while its work is frozen because the lease could not be renewed: wall clock of the last renewal, ms. */
  frozenSinceMs?: number
}

export interface TaskDetail extends TaskRow {
  /** Why it is in this state, when there is something to say: what it waits for, why it failed. */
  reason: string | null
  /** Agents that leave it alone, each with its last reason; at most 100. */
  skipped: { agent: string; reason: string }[]
  /** Claims that were tried and lost, of all agents whose journals are here. */
  contention: number
  /** Every entry about it in the journals that are here, oldest first; at most the last 200. */
  history: LoggedEntry[]
}
