/**
 * What peers say about an issue keeps this agent from trying it for a moment, until its next look
 * at the claim refs knows better. A hint decides nothing and may be a lie: whatever is said, an
 * issue is left alone for at most `longestMs` out of every `periodMs`.
 */
import type { TaskAnnouncement } from '../../mesh/index.ts'
import { RecentMap, type Clock } from '../../util/index.ts'

export interface Hints {
  note(key: string, event: TaskAnnouncement['event']): void
  /** A peer tries or holds the issue, as far as was heard in the last moments. */
  holds(key: string): boolean
}

/** How long one hint counts, ms: the next snapshot of the refs knows better. */
const holdMs = 5_000
const longestMs = 10_000
const periodMs = 60_000

/** `limit`: issues that are remembered; the oldest go first. */
export function createHints(limit: number, clock: Clock): Hints {
  const known = new RecentMap<string, { since: number; until: number }>(limit)
  return {
    note(key, event) {
      const now = clock.monotonic()
      const old = known.get(key)
      const since = old !== undefined && now - old.since < periodMs ? old.since : now
      switch (event) {
        // Who lost says that somebody else won.
        case 'trying':
        case 'claimed':
        case 'lost':
          known.set(key, { since, until: Math.min(now + holdMs, since + longestMs) })
          return
        case 'released':
        case 'failed':
          known.set(key, { since, until: now })
          return
        default:
      }
    },
    holds: (key) => (known.get(key)?.until ?? -Infinity) > clock.monotonic(),
  }
}
