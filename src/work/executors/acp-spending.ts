/**
 * What an agent's model took: tokens as the turns tell them when they end, money as the session tells it
 * while it works. Agents count money from the start of a session; one that goes on in a new process may
 * begin at nothing again, so a sum that shrank is added to what was before.
 */
import type { ExecutorEvent, Usage } from '../executor.ts'

export interface Spending {
  /** The session costs so much until now, millionths of a US dollar. */
  costs(micros: number | undefined): void
  /** A turn ended, and took so many tokens. */
  turn(usage: Usage): void
  /** Since the last call. */
  take(): Usage
}

export function createSpending(onEvent: (event: ExecutorEvent) => void): Spending {
  const total: Usage = {}
  let taken: Usage = {}
  let base = 0
  let last = 0

  const tell = () => onEvent({ type: 'usage', ...total })

  return {
    costs(micros) {
      if (micros === undefined) return
      if (micros < last) base += last
      last = micros
      const costMicros = base + last
      if (total.costMicros === costMicros) return
      total.costMicros = costMicros
      tell()
    },
    turn({ inputTokens, outputTokens }) {
      if (inputTokens !== undefined) total.inputTokens = (total.inputTokens ?? 0) + inputTokens
      if (outputTokens !== undefined) total.outputTokens = (total.outputTokens ?? 0) + outputTokens
      if (inputTokens !== undefined || outputTokens !== undefined) tell()
    },
    take() {
      const since: Usage = {}
      for (const key of ['inputTokens', 'outputTokens', 'costMicros'] as const) {
        const value = total[key]
        if (value !== undefined) since[key] = value - (taken[key] ?? 0)
      }
      taken = { ...total }
      return since
    },
  }
}
