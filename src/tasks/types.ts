/** What people and programs see of tasks. */
import type { LoggedEntry } from '../journal/index.ts'
import type { Role } from './look/polling.ts'

/**
 * open → claimed → working → checking → publishing → done → review → merged
 *   │        │         │         │           │                  └─ closed
 *   │        │         │         │           └─ failed, cancelled, released
 *   └─ waiting (for a peer with a needed capability, or for a block to go)
 * `done` has a pull request that nobody looks after, in `review` somebody does: feedback leads back
 * to `claimed`. `released` goes back to `open` for the mesh; the others on the right are final.
 */
export type TaskState =
  | 'open'
  | 'waiting'
  | 'claimed'
  | 'working'
  | 'checking'
  | 'publishing'
  | 'done'
  | 'review'
  | 'merged'
  | 'closed'
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

export interface RepoStatus {
  repo: string
  ok: boolean
  /** Wall clock of the last look of its own that succeeded, ms. */
  lastSuccessMs: number | null
  error: string | null
  /** Its part in looking for all. */
  role: Role
  /** Why nothing new is taken there, as far as known; null when it is. */
  paused: string | null
}

/** A claim ref that is not as it should be, as an agent wrote it into its journal. */
export interface ClaimProblem {
  /** Holds no record; was there and is gone; holds a record that does not build on the one before. */
  kind: 'invalid' | 'deleted' | 'forced'
  /** Full ref name. */
  ref: string
  /** What the ref holds; when it is gone, what it held. */
  oid: string
  reason: string
  /** Agent that saw it first, and its wall clock then, ms. */
  agent: string
  sinceMs: number
  /** What to do about it. */
  next: string
}

/** An agent in the order for an issue, as the agent that is asked sees it. */
export interface CandidateRow {
  agent: string
  peerId: string
  /** 1 tries first; null: it does not try. */
  place: number | null
  /** Parts of its weight, each 0 to 1, and their product; null for one that does not try. */
  fitness: { slots: number; load: number; memory: number; failures: number; weight: number } | null
  /** Why it does not try, or not first. */
  reason: string | null
}

export interface TaskView {
  /** In their order, those that do not try last; at most 50. Empty where no worker runs. */
  candidates: CandidateRow[]
  /** Candidates beyond those. */
  moreCandidates: number
  /** Only of an agent in a dry run: the writes that it would make, in their order. */
  planned?: string[]
}

/** Unfinished work on the work branch: the newest of whatever attempt. */
export interface CheckpointView {
  branch: string
  head: string
  attempt: number
  agent: string
  /** Wall clock of the agent, ms. */
  atMs: number
  files: number
  bytes: number
  /** Files or kinds of files that may not leave, and stayed out. */
  leftOut: number
}

export interface TaskDetail extends TaskRow, TaskView {
  /** Why it is in this state, when there is something to say: what it waits for, why it failed. */
  reason: string | null
  /** Agents that leave it alone, each with its last reason; at most 100. */
  skipped: { agent: string; reason: string }[]
  /** What is wrong with its claim ref; null when nothing is known to be. */
  claimRef: ClaimProblem | null
  /** Where unfinished work stands; null when there is none, or the work was published. */
  checkpoint: CheckpointView | null
  /** Claims that were tried and lost, of all agents whose journals are here. */
  contention: number
  /** Every entry about it in the journals that are here, oldest first; at most the last 200. */
  history: LoggedEntry[]
}

/**
 * What became of a webhook. `accepted`: taken as a hint. `ignored`: well signed, of no interest.
 * `repeated`: seen before. `unsigned`: no signature, or a wrong one. `invalid`: not of GitHub's shape,
 * or too large. `limited`: too many from there. `dropped`: too many wait.
 */
export type DeliveryResult =
  'accepted' | 'ignored' | 'repeated' | 'unsigned' | 'invalid' | 'limited' | 'dropped'

export interface WebhooksStatus {
  /** http://HOST:PORT/PATH; null while it does not listen. */
  url: string | null
  /** Since the agent started, by what became of them. */
  deliveries: Readonly<Record<DeliveryResult, number>>
  /** Wall clock of the last one with a good signature, ms since 1970; null before the first. */
  lastDeliveryMs: number | null
}
