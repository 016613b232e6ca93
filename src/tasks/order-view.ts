/** What only this agent's memory tells of a task: the order of agents as it sees it now. Pure. */
import type { RepoMemory } from './look/floor.ts'
import type { TaskView } from './types.ts'

/** Candidates that are shown; a larger mesh shows the first of its order. */
const maxShown = 50

export function orderView(memory: RepoMemory | undefined, issue: number): TaskView {
  const order = memory?.orders.get(issue) ?? []
  return {
    candidates: order.slice(0, maxShown).map(({ agent, peerId, rank, fitness, reason }) => ({
      agent,
      peerId,
      place: rank === null ? null : rank + 1,
      fitness,
      reason: reason === '' ? null : reason,
    })),
    moreCandidates: Math.max(0, order.length - maxShown),
  }
}
