/**
 * Requests per hour, counted per user over all of the user's tokens, as on github.com; anonymous
 * callers share one account. A 304 and `GET /rate_limit` cost nothing.
 */
import type { MiddlewareHandler } from 'hono'
import type { Clock } from '../util/index.ts'
import { ApiError } from './api-error.ts'
import type { Env } from './context.ts'

const HOUR_MS = 3_600_000
/** Anonymous requests per hour and forge. github.com gives 60; pages and tests on loopback need more. */
const ANONYMOUS = 1_000
/** Accounts kept in memory. */
const ACCOUNTS = 10_000

export interface RateState {
  limit: number
  remaining: number
  used: number
  /** Seconds since 1970. */
  reset: number
}

export interface Limits {
  /** Takes one request; false when none is left. */
  take(userId: number | undefined): boolean
  giveBack(userId: number | undefined): void
  state(userId: number | undefined): RateState
}

export function rateLimits(init: { perHour: number; clock: Clock }): Limits {
  const accounts = new Map<number, { used: number; resetMs: number }>()

  function account(userId: number | undefined) {
    const key = userId ?? -1
    const now = init.clock.now()
    const known = accounts.get(key)
    if (known !== undefined && known.resetMs > now) return known
    if (accounts.size >= ACCOUNTS) accounts.clear()
    const fresh = { used: 0, resetMs: now + HOUR_MS }
    accounts.set(key, fresh)
    return fresh
  }
  const limitOf = (userId: number | undefined) =>
    userId === undefined ? Math.min(ANONYMOUS, init.perHour) : init.perHour

  return {
    take: (userId) => {
      const at = account(userId)
      if (at.used >= limitOf(userId)) return false
      at.used += 1
      return true
    },
    giveBack: (userId) => {
      const at = account(userId)
      at.used = Math.max(0, at.used - 1)
    },
    state: (userId) => {
      const { used, resetMs } = account(userId)
      const limit = limitOf(userId)
      return { limit, used, remaining: limit - used, reset: Math.ceil(resetMs / 1_000) }
    },
  }
}

/** Stands outside of the ETag middleware, so that it sees the 304. */
export function limitRequests(limits: Limits): MiddlewareHandler<Env> {
  return async (c, next) => {
    const id = c.get('user')?.id
    const free = c.req.path === '/rate_limit'
    if (!free && !limits.take(id)) {
      const who = id === undefined ? 'your IP address' : `user ID ${id}`
      c.res = c.json(new ApiError(403, `API rate limit exceeded for ${who}.`).body(), 403)
    } else {
      await next()
      if (!free && c.res.status === 304 && id !== undefined) limits.giveBack(id)
    }
    const { limit, remaining, used, reset } = limits.state(id)
    c.res.headers.set('x-ratelimit-limit', String(limit))
    c.res.headers.set('x-ratelimit-remaining', String(remaining))
    c.res.headers.set('x-ratelimit-used', String(used))
    c.res.headers.set('x-ratelimit-reset', String(reset))
    c.res.headers.set('x-ratelimit-resource', 'core')
  }
}
