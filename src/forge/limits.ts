/**
 * Requests per hour, counted per user over all of the user's tokens, as on github.com; anonymous
 * callers share one account, an App's installation has its own, and GraphQL is counted for itself.
 * A 304 and `GET /rate_limit` cost nothing. The secondary limits brake bursts, when asked for.
 */
import type { Clock } from '../util/index.ts'
import { secondaryLimits } from './secondary.ts'
import type { UserRow } from './store/rows.ts'

const HOUR_MS = 3_600_000
/** Anonymous requests per hour and forge. github.com gives 60; pages and tests on loopback need more. */
const ANONYMOUS = 1_000
/** Accounts kept in memory. */
const ACCOUNTS = 10_000

export type Resource = 'core' | 'graphql'
type Who = Pick<UserRow, 'id' | 'grant'> | undefined

export interface RateState {
  limit: number
  remaining: number
  used: number
  /** Seconds since 1970. */
  reset: number
}

export interface Limits {
  /** Takes `n` requests or points, 1 unless given; false when so many are not left. */
  take(who: Who, resource?: Resource, n?: number): boolean
  giveBack(who: Who, resource?: Resource): void
  state(who: Who, resource?: Resource): RateState
  /** Seconds to wait when a burst has been too much; undefined: go on. */
  brake(who: Who, request: { method: string; path: string }): number | undefined
  refusal: 403 | 429
}

const keyOf = (who: Who, resource: Resource): string =>
  `${who?.grant?.installation ?? ''}:${who?.id ?? ''}:${resource}`

export function rateLimits(init: {
  perHour: number
  clock: Clock
  secondary?: { status: 403 | 429 } | undefined
}): Limits {
  const { clock, secondary } = init
  const accounts = new Map<string, { used: number; resetMs: number }>()
  const bursts = secondary === undefined ? undefined : secondaryLimits(clock)

  function account(key: string) {
    const now = clock.now()
    const known = accounts.get(key)
    if (known !== undefined && known.resetMs > now) return known
    if (accounts.size >= ACCOUNTS) accounts.clear()
    const fresh = { used: 0, resetMs: now + HOUR_MS }
    accounts.set(key, fresh)
    return fresh
  }
  const limitOf = (who: Who) =>
    who === undefined ? Math.min(ANONYMOUS, init.perHour) : init.perHour

  return {
    take: (who, resource = 'core', n = 1) => {
      const at = account(keyOf(who, resource))
      if (at.used + n > limitOf(who)) return false
      at.used += n
      return true
    },
    giveBack: (who, resource = 'core') => {
      const at = account(keyOf(who, resource))
      at.used = Math.max(0, at.used - 1)
    },
    state: (who, resource = 'core') => {
      const { used, resetMs } = account(keyOf(who, resource))
      const limit = limitOf(who)
      return { limit, used, remaining: limit - used, reset: Math.ceil(resetMs / 1_000) }
    },
    brake: (who, request) => bursts?.take(keyOf(who, 'core'), request),
    refusal: secondary?.status ?? 403,
  }
}
