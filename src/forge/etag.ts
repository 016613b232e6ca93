/** ETags of GET answers: they differ per token, as on github.com, so they cannot be shared. */
import type { MiddlewareHandler } from 'hono'
import { sha256 } from '../util/index.ts'
import type { Env } from './context.ts'

/** What an unchanged answer says again. */
const KEPT = ['link', 'x-poll-interval']

export const etags: MiddlewareHandler<Env> = async (c, next) => {
  await next()
  if (c.req.method !== 'GET' || c.res.status !== 200) return
  const body = await c.res.clone().arrayBuffer()
  const tag = `W/"${sha256(`${c.get('tokenKey')}\n${sha256(new Uint8Array(body))}`)}"`
  const asked = (c.req.header('if-none-match') ?? '').split(/,\s*/)
  const bare = (value: string) => value.replace(/^W\//, '')
  if (asked.some((value) => bare(value) === bare(tag))) {
    const kept = KEPT.flatMap((name) => {
      const value = c.res.headers.get(name)
      return value === null ? [] : [{ name, value }]
    })
    c.res = new Response(null, { status: 304 })
    for (const { name, value } of kept) c.res.headers.set(name, value)
  }
  c.res.headers.set('etag', tag)
  c.res.headers.set('cache-control', 'private, max-age=60, s-maxage=60')
  c.res.headers.set('vary', 'Accept, Authorization, Cookie, X-GitHub-OTP')
}
