/** Pauses that double each time the same thing goes wrong again, up to an hour. Bounded. */
import { RecentMap, type Clock } from '../util/index.ts'

const maxPauseMs = 60 * 60_000

export interface Pauses {
  /** Once more: the next pause is twice as long. */
  extend(key: string): void
  clear(key: string): void
  /** Monotonic ms until which it lasts; -Infinity without one. */
  until(key: string): number
}

export function createPauses(firstMs: number, limit: number, clock: Clock): Pauses {
  const known = new RecentMap<string, { times: number; until: number }>(limit)
  return {
    extend(key) {
      const times = (known.get(key)?.times ?? 0) + 1
      const ms = Math.min(maxPauseMs, firstMs * 2 ** Math.min(times - 1, 16))
      known.set(key, { times, until: clock.monotonic() + ms })
    },
    clear: (key) => void known.delete(key),
    until: (key) => known.get(key)?.until ?? -Infinity,
  }
}
