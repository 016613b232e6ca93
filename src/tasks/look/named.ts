/** Issues that peers named and that wait to be read: each when its time comes, so many of one peer, so many at all. */
import { RecentMap, type Clock } from '../../util/index.ts'
import { slidingCount, type Sliding } from '../github/sliding.ts'

export interface Named {
  /** False when the peer has used up its share. */
  spend(from: string, cost: number): boolean
  /** To be read at this time, monotonic ms. */
  add(issue: number, due: number): void
  /** Those whose time has come, with when they were named. */
  due(): ReadonlyMap<number, number>
  /** When each that waits is due, monotonic ms. */
  times(): number[]
  forget(issues: Iterable<number>): void
  clear(): void
}

/** Changes of one peer per minute that may lead to reading. */
export const maxChangesPerPeer = 30
/** Peers whose changes are counted; the oldest go first. */
const maxPeers = 200
/** Issues that wait to be read; more mean a listing. */
const maxNamed = 500

export function createNamed(clock: Clock): Named {
  const named = new RecentMap<number, { due: number; since: number }>(maxNamed)
  const spending = new RecentMap<string, Sliding>(maxPeers)
  const now = () => clock.monotonic()
  return {
    spend(from, cost) {
      const spent = spending.get(from) ?? slidingCount(60_000, clock)
      spending.set(from, spent)
      if (spent.sum() + cost > maxChangesPerPeer) return false
      spent.add(cost)
      return true
    },
    add(issue, due) {
      const before = named.get(issue)
      named.set(issue, before !== undefined && before.due < due ? before : { due, since: now() })
    },
    due: () =>
      new Map([...named].flatMap(([issue, one]) => (one.due <= now() ? [[issue, one.since]] : []))),
    times: () => [...named.values()].map(({ due }) => due),
    forget: (issues) => {
      for (const issue of issues) named.delete(issue)
    },
    clear: () => named.clear(),
  }
}
