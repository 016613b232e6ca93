/**
 * github.com's secondary limits as it documents them: points per minute, and requests that create
 * content per minute and per hour. Each is counted over a window that begins with its first request.
 */
import type { Clock } from '../util/index.ts'
import { RecentMap } from '../util/index.ts'

interface Window {
  limit: number
  ms: number
}
export const POINTS: Window = { limit: 900, ms: 60_000 }
export const CONTENT: readonly Window[] = [
  { limit: 80, ms: 60_000 },
  { limit: 500, ms: 3_600_000 },
]
/** What a read and a write cost. */
const READ = 1
const WRITE = 5
/** Accounts kept in memory. */
const ACCOUNTS = 10_000

/** What people see and are told of: issues, comments, reviews, pull requests, commits, refs. */
const CREATES =
  /^\/repos\/[^/]+\/[^/]+\/(issues|pulls|git|contents|labels|check-runs|statuses)(\/|$)/

export const pointsOf = (method: string): number =>
  ['GET', 'HEAD', 'OPTIONS'].includes(method) ? READ : WRITE

export const createsContent = (method: string, path: string): boolean =>
  ['POST', 'PUT', 'PATCH'].includes(method) && CREATES.test(path)

interface Count {
  used: number
  endMs: number
}

export interface Secondary {
  /** Counts one request; the seconds to wait when it is one too many, which then does not count. */
  take(key: string, request: { method: string; path: string }): number | undefined
}

export function secondaryLimits(clock: Clock): Secondary {
  const counts = new RecentMap<string, Count>(ACCOUNTS)
  const at = (name: string, ms: number): Count => {
    const now = clock.now()
    const known = counts.get(name)
    if (known !== undefined && known.endMs > now) return known
    const fresh = { used: 0, endMs: now + ms }
    counts.set(name, fresh)
    return fresh
  }
  return {
    take: (key, { method, path }) => {
      const costs = [
        { window: POINTS, name: `${key}:points`, cost: pointsOf(method) },
        ...(createsContent(method, path) ? CONTENT : []).map((window) => ({
          window,
          name: `${key}:content:${window.ms}`,
          cost: 1,
        })),
      ].map((each) => ({ ...each, count: at(each.name, each.window.ms) }))
      const full = costs.filter(({ window, cost, count }) => count.used + cost > window.limit)
      if (full.length > 0) {
        const until = Math.max(...full.map(({ count }) => count.endMs))
        return Math.max(1, Math.ceil((until - clock.now()) / 1_000))
      }
      for (const { cost, count } of costs) count.used += cost
      return undefined
    },
  }
}
