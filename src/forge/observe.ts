/** The observer's place: outside of everything that makes an answer, inside of the faults. */
import type { MiddlewareHandler } from 'hono'
import type { Deps, Env } from './context.ts'

/** Without an observer no body is read. What an observer throws is the client's 500. */
export function observe(deps: Pick<Deps, 'observe'>): MiddlewareHandler<Env> {
  return async (c, next) => {
    await next()
    const seen = deps.observe
    if (seen === undefined) return
    const { status, headers } = c.res
    const body = await c.res.clone().text()
    seen({ method: c.req.method, path: c.req.path, status, headers, body })
  }
}
