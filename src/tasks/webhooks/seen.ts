/**
 * Deliveries that were taken in the last hours, by their id and by their signature: an id is not
 * signed, so that a replay may come with a new one, but the same body has the same signature.
 */
import { RecentMap, type Clock } from '../../util/index.ts'

/** A delivery older than this counts as new again, ms. It can only make an agent look once more. */
const keptMs = 6 * 60 * 60_000
/** Of 32 to 71 characters each. */
const maxKept = 20_000

export interface Seen {
  has(key: string): boolean
  add(...keys: string[]): void
}

export function createSeen(clock: Clock): Seen {
  const times = new RecentMap<string, number>(maxKept)
  return {
    has: (key) => clock.monotonic() - (times.get(key) ?? -Infinity) < keptMs,
    add: (...keys) => {
      for (const key of keys) times.set(key, clock.monotonic())
    },
  }
}
