/**
 * Faults on the way of a request. The outer half stands before everything that costs or changes
 * something, so that "before" has no effect at all and "after" every effect; the inner half stands
 * inside of the ETags, so that a stale answer has the tag of a stale answer.
 */
import type { MiddlewareHandler } from 'hono'
import type { HttpBindings } from '@hono/node-server'
import { sleep } from '../../util/index.ts'
import { ApiError } from '../api-error.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { atLeast } from '../auth.ts'
import { lags } from './stale.ts'
import type { OfRequests } from './book.ts'

export const SECONDARY =
  'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'
const SECONDARY_S = 60
const PRIMARY_S = 3_600

type Fault = Exclude<OfRequests, { kind: 'latency' }>

/**
 * Cuts the connection within the head of the answer: the client learns nothing of it. An answer of
 * no byte at all would not do: curl, and so git, then sends the request again by itself.
 */
async function cut(c: Ctx): Promise<Response> {
  const { incoming } = c.env as HttpBindings
  const { socket } = incoming
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
    socket.write('HTTP/1.1 200 OK\r\ncontent-', () => socket.destroy())
  })
  return new Response(null)
}

/** Reads what is left of the request: a connection with unread bytes is reset, and loses ours. */
async function drain(c: Ctx): Promise<void> {
  const reader = c.req.raw.body?.getReader()
  if (reader === undefined) return
  while (!(await reader.read()).done);
}

function limited(
  c: Ctx,
  message: string,
  headers: Record<string, string>,
  status: 403 | 429 = 403,
): Response {
  const body = new ApiError(status, message).body()
  return c.json(body, status, { 'x-ratelimit-resource': 'core', ...headers })
}

/** The answer instead of doing what was asked; undefined: the fault comes later or elsewhere. */
async function instead(
  deps: Deps,
  c: Ctx,
  fault: Fault | undefined,
): Promise<Response | undefined> {
  if (fault?.kind === 'secondary-limit')
    return limited(
      c,
      SECONDARY,
      { 'retry-after': String(fault.retryAfterS ?? SECONDARY_S) },
      fault.status,
    )
  if (fault?.kind === 'primary-limit') {
    const reset = Math.ceil(deps.clock.now() / 1_000) + (fault.resetS ?? PRIMARY_S)
    const { limit } = deps.limits.state(undefined)
    return limited(c, 'API rate limit exceeded for user.', {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-used': String(limit),
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(reset),
    })
  }
  if (fault?.kind === 'error' && fault.when === 'before') return broken(c, fault.status)
  if (fault?.kind === 'drop' && fault.when === 'before') {
    await drain(c)
    return cut(c)
  }
  return undefined
}

const broken = (c: Ctx, status: 500 | 502 | 503 | 504 = 502): Response =>
  c.json(new ApiError(status, 'Server Error').body(), status)

/** The path as rules see it; the API's own has lost its prefix already. */
function plainPath(c: Ctx): string {
  try {
    return decodeURIComponent(c.req.path)
  } catch {
    return c.req.path
  }
}

export function faultyWay(deps: Deps): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { latencyMs, fault } = deps.faults.fate(c.req.method, plainPath(c))
    if (latencyMs > 0) {
      const wait = { signal: deps.stopping, clock: deps.clock }
      const waited = await sleep(latencyMs, wait).then(
        () => true,
        () => false,
      )
      if (!waited) return cut(c)
    }
    const refusal = await instead(deps, c, fault)
    if (refusal !== undefined) return refusal
    c.set('staleMs', fault?.kind === 'stale' ? fault.ms : undefined)
    await next()
    if (fault?.kind !== 'error' && fault?.kind !== 'drop') return
    // A push is applied when its whole answer was read.
    await c.res.arrayBuffer()
    c.res = fault.kind === 'drop' ? await cut(c) : broken(c, fault.status)
  }
}

export function staleReads(deps: Deps): MiddlewareHandler<Env> {
  return async (c, next) => {
    await next()
    const query = c.get('replicaKey')
    const reads = query !== undefined || (c.req.method === 'GET' && lags(c.req.path))
    if (!reads || !deps.faults.has('stale')) return
    const { status } = c.res
    if (status !== 200 && status !== 404) return
    if (status === 404 && !mayRead(deps, c)) return
    const address = query ?? `${c.req.path}?${new URL(c.req.url).searchParams.toString()}`
    const link = c.res.headers.get('link')
    deps.replica.keep(address, { status, body: await c.res.clone().text(), link })
    const age = c.get('staleMs')
    const old = age === undefined ? undefined : deps.replica.old(address, age)
    if (old === undefined) return
    const headers = new Headers({ 'content-type': 'application/json' })
    if (old.link !== null) headers.set('link', old.link)
    c.res = undefined
    c.res = new Response(old.body, { status: old.status, headers })
  }
}

/** What one may not see stays unseen in its old form, too. */
function mayRead(deps: Deps, c: Ctx): boolean {
  const [, , owner = '', name = ''] = c.req.path.split('/')
  const repo = deps.store.repos.byName(owner, name)
  return repo !== undefined && atLeast(deps.store.users.roleIn(c.get('user'), repo), 'read')
}
