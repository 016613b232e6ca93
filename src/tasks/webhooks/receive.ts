/**
 * One delivery, from request to answer: limit, size, signature, replay, shape, queue, in this order,
 * so that what is cheap to refuse is refused first and nothing unsigned is parsed. It answers at
 * once (GitHub waits ten seconds); the work comes after.
 */
import { bodyLimit } from 'hono/body-limit'
import { Hono } from 'hono'
import { explain, type Clock } from '../../util/index.ts'
import type { DeliveryResult } from '../types.ts'
import { createBuckets } from './buckets.ts'
import { hintOf, maxBodyBytes, type WebhookHint } from './hint.ts'
import { createSeen } from './seen.ts'

export interface ReceiveInit {
  path: string
  clock: Clock
  /** Whether the body was signed with the secret. */
  isSigned: (body: Uint8Array, header: string) => Promise<boolean>
  /** Whether a repository is one of ours. */
  concerns: (repo: string) => boolean
  /** False when too many wait. */
  enqueue: (hint: WebhookHint) => boolean
  /** Called once for each delivery, before it is answered. */
  count: (result: DeliveryResult, about: { remote: string; type: string; why?: string }) => void
}

type Env = { Bindings: { incoming?: { socket?: { remoteAddress?: string } } } }

const statuses = {
  accepted: 202,
  ignored: 202,
  repeated: 200,
  unsigned: 401,
  invalid: 400,
  limited: 429,
  dropped: 503,
} as const satisfies Record<DeliveryResult, number>

const idForm = /^[A-Za-z0-9-]{1,64}$/
const eventForm = /^[a-z_]{1,64}$/

export function receiver(init: ReceiveInit): Hono<Env> {
  const { path, clock, enqueue, count } = init
  const passes = createBuckets(clock)
  const seen = createSeen(clock)
  const app = new Hono<Env>()

  const remoteOf = (env: Env['Bindings']) => env.incoming?.socket?.remoteAddress ?? 'unknown'
  const answer = (result: DeliveryResult, status: number = statuses[result]) =>
    new Response(`${result}\n`, { status })

  app.use(path, async (context, next) => {
    if (context.req.method !== 'POST')
      return new Response('POST only\n', { status: 405, headers: { allow: 'POST' } })
    const remote = remoteOf(context.env)
    if (passes(remote)) return next()
    count('limited', { remote, type: '' })
    return answer('limited')
  })
  app.use(
    path,
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: (context) => {
        const remote = remoteOf(context.env as Env['Bindings'])
        count('invalid', { remote, type: '', why: `more than ${maxBodyBytes} bytes` })
        return answer('invalid', 413)
      },
    }),
  )
  app.post(path, async (context) => {
    const remote = remoteOf(context.env)
    const header = (name: string) => context.req.header(name) ?? ''
    const [id, event] = [header('x-github-delivery'), header('x-github-event')]
    const end = (result: DeliveryResult, why?: string) => {
      const known = eventForm.test(event) ? event : ''
      count(result, { remote, type: known, ...(why === undefined ? {} : { why }) })
      return answer(result)
    }
    const body = new Uint8Array(await context.req.arrayBuffer())
    const signature = header('x-hub-signature-256')
    if (!(await init.isSigned(body, signature))) return end('unsigned')
    if (!idForm.test(id) || !eventForm.test(event))
      return end('invalid', 'it has no X-GitHub-Delivery or X-GitHub-Event')
    if (seen.has(id) || seen.has(signature)) return end('repeated')
    let hint: WebhookHint | undefined
    try {
      hint = hintOf(event, body, header('content-type').includes('form-urlencoded'))
    } catch (error) {
      return end('invalid', explain(error))
    }
    const concerned = hint !== undefined && init.concerns(hint.repo) ? hint : undefined
    if (concerned !== undefined && !enqueue(concerned)) return end('dropped')
    seen.add(id, signature)
    return end(concerned === undefined ? 'ignored' : 'accepted')
  })
  app.notFound(() => new Response('not found\n', { status: 404 }))
  app.onError((error) => {
    count('invalid', { remote: 'unknown', type: '', why: explain(error) })
    return answer('invalid')
  })
  return app
}
