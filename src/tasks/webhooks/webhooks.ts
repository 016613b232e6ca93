/**
 * Receives GitHub's webhooks. A delivery is only a hint that something changed, which makes the agent
 * look sooner than it would have: nothing is taken from it but which repository and issue to look at.
 * So a forged, doubled, late or lost one does no harm beyond a look too many or a look too late.
 *
 * @example
 * const webhooks = createWebhooks(
 *   { listen: '127.0.0.1:8787', path: '/webhook', secret: read, repos: ['octo/lib'] },
 *   { onHint: ({ repo, issue }) => tasks.hint({ repo, issue }), logger },
 * )
 * await webhooks.start()
 */
import { createAdaptorServer } from '@hono/node-server'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Secret } from '../../secrets/index.ts'
import {
  BoundedQueue,
  explain,
  Lifecycle,
  systemClock,
  withDeadline,
  type Clock,
  type Logger,
  type Startable,
} from '../../util/index.ts'
import { TasksError } from '../errors.ts'
import type { DeliveryResult, WebhooksStatus } from '../types.ts'
import type { WebhookHint } from './hint.ts'
import { receiver } from './receive.ts'
import { isSigned } from './signature.ts'

export interface WebhooksInit {
  /** HOST:PORT, `[::1]:0`. */
  listen: string
  path: string
  /** Reads the secret; also again when a delivery was signed with another one, at most once a minute. */
  secret: () => Promise<Secret>
  /** owner/name; hints for others are ignored. */
  repos: readonly string[]
}

export interface WebhooksComponents {
  onHint: (hint: WebhookHint) => void
  logger: Logger
  clock?: Clock
}

export interface Webhooks extends Startable {
  status(): WebhooksStatus
}

/** Hints that may wait; each is a few hundred bytes and is handed on within one turn of the event loop. */
const maxWaiting = 1_000
/** GitHub and a proxy need few, and each may hold a body in memory. */
const maxConnections = 32
/**
 * Whole requests, their headers, how often node looks whether those are over, and until a stopping
 * server cuts what is under way, ms.
 */
const timeouts = { request: 10_000, headers: 5_000, check: 2_000, stop: 2_000 }
const minuteMs = 60_000
/** A secret shorter than this can be guessed. */
const minSecret = 16

/** Errors of start: `WEBHOOKS_LISTEN`, those of `secret`. */
export function createWebhooks(init: WebhooksInit, components: WebhooksComponents): Webhooks {
  const { path, repos } = init
  const { onHint, logger, clock = systemClock } = components
  const known = new Set(repos.map((repo) => repo.toLowerCase()))
  const deliveries: Record<DeliveryResult, number> = {
    accepted: 0,
    ignored: 0,
    repeated: 0,
    unsigned: 0,
    invalid: 0,
    limited: 0,
    dropped: 0,
  }
  let secret = ''
  let readAt = -Infinity
  let url: string | null = null
  let lastDeliveryMs: number | null = null
  let server: Server | undefined
  let queue = new BoundedQueue<WebhookHint>(maxWaiting)
  let handing: Promise<void> = Promise.resolve()
  /** Monotonic time until which refusals are only counted. */
  let silentUntil = -Infinity

  async function read(): Promise<void> {
    readAt = clock.monotonic()
    secret = (await init.secret()).reveal()
    if (secret.length >= minSecret) return
    const fields = { event: 'webhooks.secret' }
    logger.warn(
      fields,
      `The webhook secret has less than ${minSecret} characters; take a longer one.`,
    )
  }

  async function verify(body: Uint8Array, header: string): Promise<boolean> {
    if (isSigned(secret, body, header)) return true
    if (header === '' || clock.monotonic() - readAt < minuteMs) return false
    await read().catch((error: unknown) => {
      logger.warn(
        { event: 'webhooks.secret', err: explain(error) },
        'the webhook secret cannot be read again',
      )
    })
    return isSigned(secret, body, header)
  }

  function count(
    result: DeliveryResult,
    about: { remote: string; type: string; why?: string },
  ): void {
    deliveries[result] += 1
    if (result === 'accepted' || result === 'ignored' || result === 'repeated') {
      lastDeliveryMs = clock.now()
      logger.debug({ event: 'webhooks.delivery', result, ...about }, `a webhook was ${result}`)
      return
    }
    if (clock.monotonic() < silentUntil) return
    silentUntil = clock.monotonic() + minuteMs
    const fields = { event: 'webhooks.refused', result, ...about, deliveries: { ...deliveries } }
    logger.warn(fields, 'a webhook was refused; more of them are only counted for a minute')
  }

  async function handOn(from: BoundedQueue<WebhookHint>): Promise<void> {
    for await (const hint of from) {
      try {
        onHint(hint)
      } catch (error) {
        logger.error({ event: 'webhooks.hint', err: explain(error) }, 'a hint could not be used')
      }
    }
  }

  async function start(): Promise<void> {
    await read()
    queue = new BoundedQueue(maxWaiting)
    handing = handOn(queue)
    const app = receiver({
      path,
      clock,
      isSigned: verify,
      concerns: (repo) => known.has(repo.toLowerCase()),
      enqueue: (hint) => queue.push(hint),
      count,
    })
    server = createAdaptorServer({
      fetch: app.fetch,
      overrideGlobalObjects: false,
      createServer,
      serverOptions: {
        maxHeaderSize: 16 * 1024,
        requestTimeout: timeouts.request,
        headersTimeout: timeouts.headers,
        connectionsCheckingInterval: timeouts.check,
      },
    }) as Server
    server.maxConnections = maxConnections
    const { host, port } = await listen(server, init.listen)
    server.on('error', (error) =>
      logger.error({ err: explain(error) }, 'the webhook receiver failed'),
    )
    url = `http://${host}:${port}${path}`
    logger.info({ event: 'webhooks.listening', url }, 'webhooks are received')
  }

  async function stop(): Promise<void> {
    const made = server
    server = undefined
    url = null
    if (made?.listening === true) {
      const closed = new Promise<void>((resolve) => made.close(() => resolve()))
      made.closeIdleConnections()
      const ended = withDeadline('answer the last webhooks', timeouts.stop, () => closed, { clock })
      await ended.catch(() => {
        made.closeAllConnections()
        return closed
      })
    }
    queue.close()
    await handing
  }

  const lifecycle = new Lifecycle(start, stop)
  return {
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    status: () => ({ url, deliveries: { ...deliveries }, lastDeliveryMs }),
  }
}

/** `listen` is HOST:PORT; gives back how it is reached, with the port that was taken. */
async function listen(server: Server, at: string): Promise<{ host: string; port: number }> {
  const colon = at.lastIndexOf(':')
  const [host, port] = [at.slice(0, colon), Number(at.slice(colon + 1))]
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host.replace(/^\[(.*)\]$/, '$1'), () => {
      server.off('error', reject)
      resolve()
    })
  }).catch((cause: unknown) => {
    throw new TasksError('WEBHOOKS_LISTEN', `Webhooks cannot be received on ${at}.`, {
      data: { listen: at },
      next: 'Set github.webhooks.listen to an address and port of this machine that are free.',
      cause,
    })
  })
  return { host, port: (server.address() as AddressInfo).port }
}
