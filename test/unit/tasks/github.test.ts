/** The client against a server on loopback that answers as GitHub does, where the forge cannot be made to. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGitHub, type GitHub } from '../../../src/tasks/github/github.ts'
import { createHeadroom } from '../../../src/tasks/github/headroom.ts'
import { createOutage } from '../../../src/tasks/github/outage.ts'
import { observed } from '../../../src/tasks/github/reach.ts'
import { nullLogger, systemClock } from '../../../src/util/index.ts'

const signal = new AbortController().signal
const seen: URL[] = []
let server: Server
let github: GitHub
let answer: (
  url: URL,
  request: IncomingMessage,
) => { body?: unknown; etag?: string; more?: boolean }

beforeEach(async () => {
  seen.length = 0
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    seen.push(url)
    const { body, etag, more } = answer(url, request)
    response.statusCode = body === undefined ? 304 : 200
    response.setHeader('content-type', 'application/json')
    if (etag !== undefined) response.setHeader('etag', etag)
    if (more === true) response.setHeader('link', `<${url.href}>; rel="next"`)
    response.end(body === undefined ? undefined : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const init = { apiUrl: `http://127.0.0.1:${port}`, token: 't', userAgent: 'test' }
  github = createGitHub(init, { logger: nullLogger })
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const issue = (number: number) => ({
  number,
  title: 'T',
  body: null,
  state: 'open',
  labels: [],
  assignees: [],
  user: { login: 'u' },
  created_at: '',
  updated_at: '',
  html_url: '',
})
const issues = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => issue(from + n))

describe('openIssues', () => {
  const list = async () =>
    (await github.openIssues('octo/lib', 'bzzz', signal)).map(({ number }) => number)

  /** Pages with an ETag of their body alone. */
  const serve = (all: () => object[]) => (url: URL, request: IncomingMessage) => {
    const page = Number(url.searchParams.get('page'))
    const body = all().slice((page - 1) * 100, page * 100)
    const etag = `"${JSON.stringify(body).length}"`
    if (request.headers['if-none-match'] === etag) return { etag }
    return { body, etag, more: all().length > page * 100 }
  }

  it('asks by ETag while all fit on a page', async () => {
    answer = serve(() => issues(1, 3))
    expect(await list()).toEqual([1, 2, 3])
    expect(await list()).toEqual([1, 2, 3])
    expect(seen).toHaveLength(2)
  })

  it.each([
    ['behind a full page', 100],
    ['on the second page', 150],
  ])('sees a new issue %s, though the first page did not change', async (_where, before) => {
    let count = before
    answer = serve(() => issues(1, count))
    expect(await list()).toHaveLength(before)
    count += 1
    expect(await list()).toHaveLength(before + 1)
    count = before
    expect(await list()).toHaveLength(before)
  })
})

describe('comments', () => {
  it('reads what was written since, over a few pages', async () => {
    answer = (url) => ({
      body: [{ body: `page ${url.searchParams.get('page')}` }, { body: null, id: 1 }],
      more: true,
    })
    const since = '2026-01-02T03:04:05Z'
    expect(await github.comments('octo/lib', 7, since, signal)).toEqual([
      { body: 'page 1' },
      { body: '' },
      { body: 'page 2' },
      { body: '' },
      { body: 'page 3' },
      { body: '' },
    ])
    expect(seen[0]?.pathname).toBe('/repos/octo/lib/issues/7/comments')
    expect(seen[0]?.searchParams.get('since')).toBe(since)
  })
})

it('asks on at once when the wall clock was set back by an hour', async () => {
  answer = () => ({ body: issue(1) })
  const { port } = server.address() as AddressInfo
  let shift = 0
  const real = Date.now
  Date.now = () => real() + shift
  try {
    const init = { apiUrl: `http://127.0.0.1:${port}`, token: 't', userAgent: 'test' }
    const client = createGitHub({ ...init, timeoutMs: 5_000 }, { logger: nullLogger })
    shift = 3_600_000
    await client.issue('octo/lib', 1, signal)
    shift = 0
    await client.issue('octo/lib', 1, signal)
    expect(seen).toHaveLength(2)
  } finally {
    Date.now = real
  }
})

it('hands on what an answer says of limits, and by which clock', async () => {
  const dateMs = Math.floor(Date.now() / 1_000) * 1_000 - 3 * 60 * 60_000
  const limited = createServer((_request, response) => {
    response.setHeader('date', new Date(dateMs).toUTCString())
    response.setHeader('x-ratelimit-limit', '5000')
    response.setHeader('x-ratelimit-remaining', '0')
    response.setHeader('x-ratelimit-reset', String(dateMs / 1_000 + 600))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(issue(1)))
  })
  await new Promise<void>((resolve) => limited.listen(0, '127.0.0.1', resolve))
  const { port } = limited.address() as AddressInfo
  const headroom = createHeadroom({ clock: systemClock, principal: () => null })
  const outage = createOutage({ pauseMs: 1_000, onChange: () => undefined }, { clock: systemClock })
  const init = { apiUrl: `http://127.0.0.1:${port}`, token: 't', userAgent: 'test', pace: false }
  const onAnswer = observed(outage, headroom)
  const asking = createGitHub(init, { logger: nullLogger, onAnswer })
  try {
    await asking.openIssues('octo/lib', 'bzzz', signal).catch(() => undefined)
    const reset = headroom.limit()?.resetAtMs ?? 0
    expect(Math.abs(reset - Date.now() - 600_000)).toBeLessThan(60_000)
    expect(headroom.allow('renewal').is).toBe('wait')
  } finally {
    limited.closeAllConnections()
    await new Promise((resolve) => limited.close(resolve))
  }
})
