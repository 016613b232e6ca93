/** The receiver of webhooks, asked by real HTTP as GitHub, and others, would. */
import { createHmac } from 'node:crypto'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Secret } from '../../../src/secrets/index.ts'
import { take } from '../../../src/tasks/webhooks/buckets.ts'
import { hintOf, maxBodyBytes, type WebhookHint } from '../../../src/tasks/webhooks/hint.ts'
import { receiver } from '../../../src/tasks/webhooks/receive.ts'
import { isSigned } from '../../../src/tasks/webhooks/signature.ts'
import { createWebhooks, type Webhooks } from '../../../src/tasks/webhooks/webhooks.ts'
import { hasCode, nullLogger, type Logger } from '../../../src/util/index.ts'
import { fakeClock, type FakeClock } from '../mesh/fake-clock.ts'

const HOUR = 60 * 60_000
let clock: FakeClock
let webhooks: Webhooks
let hints: WebhookHint[]
let logged: string[]
const first = 'a secret of some length'
let secret = first
let ids = 0

const logger: Logger = {
  ...nullLogger,
  warn: (fields, message) => void logged.push(`${message} ${JSON.stringify(fields)}`),
}

beforeEach(async () => {
  clock = fakeClock()
  hints = []
  logged = []
  secret = first
  webhooks = createWebhooks(
    {
      listen: '127.0.0.1:0',
      path: '/webhook',
      secret: async () => new Secret(secret),
      repos: ['octo/lib'],
    },
    { onHint: (hint) => void hints.push(hint), logger, clock },
  )
  await webhooks.start()
})
afterEach(() => webhooks.stop())

const sign = (body: string | Uint8Array, by = secret) =>
  `sha256=${createHmac('sha256', by).update(body).digest('hex')}`

const issueBody = (more: object = {}) =>
  JSON.stringify({
    action: 'labeled',
    repository: { full_name: 'Octo/Lib', private: true },
    issue: { number: 12, updated_at: '2026-01-02T03:04:05Z', title: 'x' },
    sender: { login: 'octocat' },
    ...more,
  })

async function deliver(
  body: string | Uint8Array<ArrayBuffer>,
  {
    headers = {},
    path = '/webhook',
    method = 'POST',
  }: {
    headers?: Record<string, string>
    path?: string
    method?: string
  } = {},
): Promise<number> {
  ids += 1
  const response = await fetch(new URL(path, webhooks.status().url ?? ''), {
    method,
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'issues',
      'x-github-delivery': `00000000-0000-4000-8000-${String(ids).padStart(12, '0')}`,
      'x-hub-signature-256': sign(body),
      ...headers,
    },
    ...(method === 'POST' ? { body } : {}),
  })
  await response.text()
  return response.status
}
const counted = () =>
  Object.fromEntries(
    Object.entries(webhooks.status().deliveries).filter(([, amount]) => amount > 0),
  )
/** Hints are handed on after the answer. */
const heard = () => expect.poll(() => hints, { timeout: 5_000 })

describe('a delivery', () => {
  it('becomes a hint of the few fields that are used', async () => {
    expect(await deliver(issueBody())).toBe(202)
    await heard().toEqual([
      {
        repo: 'Octo/Lib',
        issue: 12,
        event: 'issues',
        action: 'labeled',
        updatedAt: '2026-01-02T03:04:05Z',
      },
    ])
    expect(webhooks.status()).toMatchObject({ lastDeliveryMs: clock.now() })
    expect(counted()).toEqual({ accepted: 1 })
  })

  it('may come as a form, signed as it came', async () => {
    const body = `payload=${encodeURIComponent(issueBody())}`
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await deliver(body, { headers })).toBe(202)
    await heard().toMatchObject([{ issue: 12 }])
  })

  it.each([
    ['issue_comment', { issue: { number: 3 } }, { issue: 3 }],
    ['pull_request', { pull_request: { updated_at: 'u' }, issue: undefined }, { updatedAt: 'u' }],
    ['pull_request_review', {}, {}],
    ['pull_request_review_comment', {}, {}],
    ['check_run', { issue: undefined }, {}],
    ['status', { issue: undefined, updated_at: 'u' }, { updatedAt: 'u' }],
    ['push', { issue: undefined, action: undefined }, { action: '' }],
  ])('%s is listened to', async (event, more, part) => {
    expect(await deliver(issueBody(more), { headers: { 'x-github-event': event } })).toBe(202)
    await heard().toMatchObject([{ event, repo: 'Octo/Lib', ...part }])
  })

  it.each([
    ['ping', issueBody({ zen: 'x' })],
    ['star', issueBody()],
    ['issues', issueBody({ repository: { full_name: 'octo/other' } })],
    ['issues', '{"action":"opened"}'],
  ])('%s of no interest is answered and dropped', async (event, body) => {
    expect(await deliver(body, { headers: { 'x-github-event': event } })).toBe(202)
    expect(counted()).toEqual({ ignored: 1 })
    expect(hints).toEqual([])
  })
})

describe('a replay', () => {
  it('is answered and does nothing: by its id, and by its body under a new id', async () => {
    const headers = { 'x-github-delivery': 'first' }
    expect(await deliver(issueBody(), { headers })).toBe(202)
    expect(await deliver(issueBody({ a: 1 }), { headers })).toBe(200)
    expect(await deliver(issueBody(), { headers: { 'x-github-delivery': 'second' } })).toBe(200)
    await heard().toHaveLength(1)
    expect(counted()).toEqual({ accepted: 1, repeated: 2 })
  })

  it('is forgotten after hours', async () => {
    const headers = { 'x-github-delivery': 'first' }
    expect(await deliver(issueBody(), { headers })).toBe(202)
    await clock.advance(6 * HOUR - 1)
    expect(await deliver(issueBody(), { headers })).toBe(200)
    await clock.advance(1)
    expect(await deliver(issueBody(), { headers })).toBe(202)
  })

  it('of what was not well signed spoils no id', async () => {
    const headers = { 'x-github-delivery': 'first' }
    const bad = { ...headers, 'x-hub-signature-256': sign(issueBody(), 'another secret') }
    expect(await deliver(issueBody(), { headers: bad })).toBe(401)
    expect(await deliver(issueBody(), { headers })).toBe(202)
  })
})

describe('what is refused', () => {
  it.each([
    ['another secret', sign(issueBody(), 'another')],
    ['another body', sign(issueBody({ a: 1 }))],
    ['none', ''],
    ['the old kind', `sha1=${'0'.repeat(40)}`],
    ['half of one', sign(issueBody()).slice(0, 40)],
    ['one in capitals', sign(issueBody()).toUpperCase()],
  ])('a signature: %s', async (_what, signature) => {
    const headers = { 'x-hub-signature-256': signature }
    expect(await deliver(issueBody(), { headers })).toBe(401)
    expect(counted()).toEqual({ unsigned: 1 })
    expect(webhooks.status().lastDeliveryMs).toBeNull()
  })

  it('is logged once a minute, without a word of the body', async () => {
    const headers = { 'x-hub-signature-256': sign('other') }
    for (let n = 0; n < 3; n += 1) await deliver(issueBody({ n, hunter: 'hunter2' }), { headers })
    expect(logged).toHaveLength(1)
    await clock.advance(60_000)
    await deliver(issueBody(), { headers })
    expect(logged).toHaveLength(2)
    expect(logged.join('\n')).toContain('"unsigned":4')
    expect(logged.join('\n')).not.toMatch(/hunter2|octocat|secret of/)
  })

  it.each([
    ['no JSON', '{', {}],
    ['another shape', '{"repository":{"full_name":"../x"}}', {}],
    ['an issue that is none', issueBody({ issue: { number: -1 } }), {}],
    ['no event', issueBody(), { 'x-github-event': '' }],
    ['an absurd id', issueBody(), { 'x-github-delivery': 'x'.repeat(65) }],
    ['a form without payload', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }],
  ])('%s', async (_what, body, headers) => {
    expect(await deliver(body, { headers })).toBe(400)
    expect(counted()).toEqual({ invalid: 1 })
  })

  it('a body above the limit, whether it says so or not', async () => {
    const large = new Uint8Array(maxBodyBytes + 1)
    expect(await deliver(large)).toBe(413)
    // Chunked, without a length.
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let sent = 0; sent <= maxBodyBytes; sent += 1024 * 1024)
          controller.enqueue(new Uint8Array(1024 * 1024))
        controller.close()
      },
    })
    const init = { method: 'POST', body: stream, duplex: 'half' }
    const response = await fetch(webhooks.status().url ?? '', init as RequestInit)
    expect(response.status).toBe(413)
    expect(counted()).toEqual({ invalid: 2 })
  })

  it('other methods and paths', async () => {
    expect(await deliver('', { method: 'GET' })).toBe(405)
    expect(await deliver(issueBody(), { path: '/other' })).toBe(404)
    expect(counted()).toEqual({})
  })

  it('a remote that sends too many, until it has waited', async () => {
    let status = 0
    for (let n = 0; n < 300; n += 1) status = await deliver(`{"n":${n}}`)
    expect(status).toBe(202)
    expect(await deliver('{"n":300}')).toBe(429)
    await clock.advance(1_000)
    expect(await deliver('{"n":301}')).toBe(202)
  })
})

describe('the receiver', () => {
  it('takes up a replaced secret, and reads it at most once a minute', async () => {
    secret = 'another secret, also long'
    expect(await deliver(issueBody())).toBe(401)
    await clock.advance(60_000)
    expect(await deliver(issueBody())).toBe(202)
  })

  it('warns about a short secret, without it', async () => {
    await webhooks.stop()
    secret = 'hunter2'
    await webhooks.start()
    expect(logged.join('\n')).toContain('less than 16 characters')
    expect(logged.join('\n')).not.toContain('hunter2')
  })

  it('goes on when a hint cannot be used', async () => {
    const failing = createWebhooks(
      {
        listen: '127.0.0.1:0',
        path: '/h',
        secret: async () => new Secret(secret),
        repos: ['octo/lib'],
      },
      {
        onHint: (hint) => {
          hints.push(hint)
          throw new Error('no')
        },
        logger,
        clock,
      },
    )
    await failing.start()
    const url = failing.status().url ?? ''
    for (const n of [1, 2]) {
      const body = issueBody({ n })
      const headers = {
        'x-github-event': 'issues',
        'x-github-delivery': `${n}`,
        'x-hub-signature-256': sign(body),
      }
      await (await fetch(url, { method: 'POST', headers, body })).text()
    }
    await heard().toHaveLength(2)
    await failing.stop()
  })

  it('starts and stops more than once, and cuts a request that does not end', async () => {
    const { port } = new URL(webhooks.status().url ?? '')
    const socket = connect(Number(port), '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.on('error', () => undefined)
    socket.write('POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n')
    const ended = new Promise((resolve) => socket.once('close', resolve))
    const stopped = Promise.all([webhooks.stop(), webhooks.stop()])
    await clock.advance(2_000)
    await stopped
    await ended
    expect(webhooks.status().url).toBeNull()
    await webhooks.start()
    expect(await deliver(issueBody())).toBe(202)
  })

  it('asks for another time when too many hints wait, and takes the same delivery then', async () => {
    const counts: string[] = []
    let room = false
    const app = receiver({
      path: '/webhook',
      clock,
      isSigned: async () => true,
      concerns: () => true,
      enqueue: () => room,
      count: (result) => void counts.push(result),
    })
    const headers = { 'x-github-event': 'issues', 'x-github-delivery': 'one' }
    const send = () => app.request('/webhook', { method: 'POST', headers, body: issueBody() }, {})
    expect((await send()).status).toBe(503)
    room = true
    expect((await send()).status).toBe(202)
    expect(counts).toEqual(['dropped', 'accepted'])
  })

  it('says which address it could not take', async () => {
    const { host } = new URL(webhooks.status().url ?? '')
    const second = createWebhooks(
      { listen: host, path: '/h', secret: async () => new Secret(secret), repos: [] },
      { onHint: () => undefined, logger, clock },
    )
    const error: unknown = await second.start().catch((caught: unknown) => caught)
    expect(hasCode(error, 'WEBHOOKS_LISTEN')).toBe(true)
    expect(error).toMatchObject({ data: { listen: host }, next: expect.any(String) })
  })
})

describe('the pure parts', () => {
  it('refuse every body but the signed one', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), fc.string({ minLength: 1 }), (a, b, key) => {
        const header = sign(a, key)
        expect(isSigned(key, a, header)).toBe(true)
        expect(isSigned(key, b, header)).toBe(Buffer.from(a).equals(b))
        expect(isSigned(`${key}x`, a, header)).toBe(false)
      }),
    )
  })

  it('give a hint or a coded error, whatever was signed', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.boolean(), (text, form) => {
        try {
          hintOf('issues', Buffer.from(text), form)
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID' })
        }
      }),
    )
  })

  it('let a remote make 300 requests at once and 20 a second', () => {
    let bucket = take(undefined, 0).bucket
    for (let n = 1; n < 300; n += 1) bucket = take(bucket, 0).bucket
    expect(take(bucket, 49).passes).toBe(false)
    expect(take(bucket, 50).passes).toBe(true)
    expect(take(bucket, HOUR).bucket.tokens).toBe(299)
  })
})
