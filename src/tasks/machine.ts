/**
 * The life of a task as one union value and one pure function. The events are journal entries: what
 * an agent did is what the table shows, also for tasks of other agents whose journals are here.
 *
 *             claim.won            executor.started      check.run           publish.intent
 *   open ───────────────► claimed ───────────────► working ──────► checking ───────────────► publishing
 *    ▲ │                     │                        │ ▲             │ │                        │
 *    │ └─ task.waiting ─► waiting ── claim.won ─►     │ └─ executor.started (repair)             │ task.done
 *    │                                                │               │                          ▼
 *    └── claim.released ◄─────────────────────────────┴───────────────┤                        done
 *                                                                     └─ task.failed ─► failed
 *                                                                     └─ task.cancelled ─► cancelled
 *
 *   done ── feedback.watching ──► review ── claim.won ──► claimed … publishing ── feedback.ended ──► review
 *     └──────────────┬──────────────┘
 *                    ├─ task.merged ─► merged
 *                    └─ task.closed ─► closed
 *
 * Entries of different journals arrive in any order, so each speaks for its attempt only: an entry
 * of an older attempt, or of an agent that does not hold the attempt, changes nothing.
 */
import type { TaskState } from './types.ts'

/** The part of an entry that moves a task. */
export interface TaskEvent {
  type: string
  /** Peer id of the author. */
  author: string
  attempt: number
}

export interface TaskPosition {
  state: TaskState
  attempt: number
  /** Peer id of who holds or held the attempt; null before any claim. */
  holder: string | null
}

export const start: TaskPosition = { state: 'open', attempt: 0, holder: null }

/** In the order of a task's life. */
export const taskStates: readonly TaskState[] = [
  'open',
  'waiting',
  'claimed',
  'working',
  'checking',
  'publishing',
  'done',
  'review',
  'merged',
  'closed',
  'failed',
  'cancelled',
  'released',
]

/** States that a task does not leave by itself. */
export const finalStates: ReadonlySet<TaskState> = new Set([
  'done',
  'merged',
  'closed',
  'failed',
  'cancelled',
])

/** Told by whoever looks after the pull request, which need not be who made it. */
const after: Readonly<Record<string, TaskState>> = {
  'feedback.watching': 'review',
  'task.merged': 'merged',
  'task.closed': 'closed',
}
/** States that these lead out of: a pull request is there, or was a moment ago. */
const published: ReadonlySet<TaskState> = new Set([
  'publishing',
  'done',
  'review',
  'closed',
  'released',
  'cancelled',
])

const within: Readonly<Record<string, TaskState>> = {
  'executor.started': 'working',
  'check.run': 'checking',
  'publish.intent': 'publishing',
  'task.done': 'done',
  'feedback.ended': 'review',
  'task.failed': 'failed',
  'task.cancelled': 'cancelled',
  'claim.released': 'released',
  'claim.lost': 'released',
}

export function advance(at: TaskPosition, event: TaskEvent): TaskPosition {
  if (event.type === 'claim.won') {
    // A claim ref that somebody deleted begins anew: its holder lost it, and another has the same attempt.
    const anew =
      at.state === 'released' && event.attempt === at.attempt && event.author !== at.holder
    return event.attempt > at.attempt || anew
      ? { state: 'claimed', attempt: event.attempt, holder: event.author }
      : at
  }
  if (event.type === 'task.waiting')
    return at.state === 'open' || at.state === 'released' ? { ...at, state: 'waiting' } : at
  if (event.type === 'issue.seen') return at.state === 'waiting' ? { ...at, state: 'open' } : at
  const then = after[event.type]
  if (then !== undefined) {
    const isOld = event.attempt < at.attempt || (at.state === 'publishing' && then === 'review')
    return published.has(at.state) && !isOld ? { ...at, state: then } : at
  }
  const next = within[event.type]
  if (next === undefined || event.attempt !== at.attempt) return at
  // Whoever opens the pull request of a holder that pushed its work and vanished may say so.
  const heir = event.type === 'task.done' && at.state === 'publishing'
  if (event.author !== at.holder && !heir) return at
  if (finalStates.has(at.state) || at.state === 'released') return at
  return { ...at, state: next }
}
