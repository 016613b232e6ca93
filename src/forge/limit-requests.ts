/** Counts each request against its account's limits, says so in headers, and refuses what is too much. */
import type { MiddlewareHandler } from 'hono'
import { ApiError } from './api-error.ts'
import type { Env } from './context.ts'
import { SECONDARY } from './faults/middleware.ts'
import type { Limits } from './limits.ts'

/** Stands outside of the ETag middleware, so that it sees the 304. */
export function limitRequests(limits: Limits): MiddlewareHandler<Env> {
  return async (c, next) => {
    const user = c.get('user')
    const resource = /^(\/api)?\/graphql$/.test(c.req.path) ? 'graphql' : 'core'
    const free = c.req.path === '/rate_limit'
    const waitS = free ? undefined : limits.brake(user, c.req)
    if (waitS !== undefined) {
      const { refusal } = limits
      const body = new ApiError(refusal, SECONDARY).body()
      c.res = c.json(body, refusal, { 'retry-after': String(waitS) })
    } else if (!free && !limits.take(user, resource)) {
      const who = user === undefined ? 'your IP address' : `user ID ${user.id}`
      const message = `API rate limit exceeded for ${who}.`
      // GraphQL says so in its own form, with 200.
      c.res =
        resource === 'graphql'
          ? c.json({ errors: [{ type: 'RATE_LIMITED', message }] })
          : c.json(new ApiError(403, message).body(), 403)
    } else {
      await next()
      if (!free && c.res.status === 304 && user !== undefined) limits.giveBack(user, resource)
    }
    const { limit, remaining, used, reset } = limits.state(user, resource)
    c.res.headers.set('x-ratelimit-limit', String(limit))
    c.res.headers.set('x-ratelimit-remaining', String(remaining))
    c.res.headers.set('x-ratelimit-used', String(used))
    c.res.headers.set('x-ratelimit-reset', String(reset))
    c.res.headers.set('x-ratelimit-resource', resource)
  }
}
