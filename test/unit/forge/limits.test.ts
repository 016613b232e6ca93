import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, type Clock } from '../../../src/util/index.ts'
import { createsContent, pointsOf, secondaryLimits } from '../../../src/forge/secondary.ts'
import { LIB, failure, site, type Site } from './helper.ts'

let nowMs = 1_800_000_000_000
const clock: Clock = { ...systemClock, now: () => nowMs }
const write = { method: 'POST', path: '/repos/octo/lib/issues' }
const read = { method: 'GET', path: '/repos/octo/lib/issues' }
const remove = { method: 'DELETE', path: '/repos/octo/lib/git/refs/heads/x' }

describe('the count of secondary limits', () => {
  const times = (count: number, request: typeof write) => {
    const limits = secondaryLimits(clock)
    const waits = Array.from({ length: count }, () => limits.take('one', request))
    return { limits, passed: waits.filter((wait) => wait === undefined).length, waits }
  }

  it('counts points: a read one, a write five', () => {
    expect([pointsOf('GET'), pointsOf('HEAD'), pointsOf('PATCH'), pointsOf('DELETE')]).toEqual([
      1, 1, 5, 5,
    ])
    expect(times(1_000, read).passed).toBe(900)
    expect(times(1_000, remove).passed).toBe(180)
  })

  it('counts what creates content by the minute and the hour, per account', () => {
    expect(createsContent('PATCH', '/repos/octo/lib/git/refs/heads/x')).toBe(true)
    expect(createsContent('DELETE', remove.path)).toBe(false)
    expect(createsContent('POST', '/graphql')).toBe(false)
    const { limits, passed, waits } = times(100, write)
    expect(passed).toBe(80)
    expect(waits.at(-1)).toBe(60)
    expect(limits.take('two', write)).toBeUndefined()
    let sum = passed
    for (let minute = 0; minute < 10; minute += 1) {
      nowMs += 60_000
      for (let count = 0; count < 80; count += 1)
        if (limits.take('one', write) === undefined) sum += 1
    }
    expect(sum).toBe(500)
    expect(limits.take('one', write)).toBe(3_000)
    nowMs += 3_000_000
    expect(limits.take('one', write)).toBeUndefined()
  })
})

describe('limits of a forge', () => {
  let at: Site
  beforeAll(async () => {
    at = await site({ secondaryLimits: { status: 429 } }, { clock })
  })
  afterAll(() => at.close())
  const ada = { authorization: 'token token-ada' }

  it('answers a burst with 429 and how long to wait, and then nothing is done', async () => {
    const { issues } = at.as('ada').rest
    for (let count = 0; count < 80; count += 1)
      await issues.createLabel({ ...LIB, name: `l${count}` })
    const refused = await failure(issues.createLabel({ ...LIB, name: 'more' }))
    expect(refused.status).toBe(429)
    expect(refused.message).toMatch(/\bsecondary rate\b/i)
    const answer = await fetch(`${at.server.apiUrl}/repos/octo/lib/labels`, {
      method: 'POST',
      headers: ada,
      body: JSON.stringify({ name: 'more' }),
    })
    expect(answer.headers.get('retry-after')).toBe('60')
    expect((await failure(issues.getLabel({ ...LIB, name: 'more' }))).status).toBe(404)
    nowMs += 60_000
    expect((await issues.createLabel({ ...LIB, name: 'more' })).status).toBe(201)
  })

  it('says what is used of which resource, and how often to ask for events', async () => {
    const get = (path: string) => fetch(`${at.server.apiUrl}${path}`, { headers: ada })
    const first = await get('/repos/octo/lib/issues/events')
    expect(first.headers.get('x-poll-interval')).toBe('60')
    expect(first.headers.get('x-ratelimit-resource')).toBe('core')
    const used = Number(first.headers.get('x-ratelimit-used'))
    const query = 'query { repository(owner: "octo", name: "lib") { id nameWithOwner } }'
    const graph = await fetch(`${at.server.apiUrl.replace('/v3', '')}/graphql`, {
      method: 'POST',
      headers: ada,
      body: JSON.stringify({ query }),
    })
    expect(await graph.json()).toMatchObject({
      data: { repository: { nameWithOwner: 'octo/lib' } },
    })
    expect(graph.headers.get('x-ratelimit-resource')).toBe('graphql')
    expect(graph.headers.get('x-ratelimit-used')).toBe('1')
    const tag = first.headers.get('etag') ?? ''
    const again = await fetch(`${at.server.apiUrl}/repos/octo/lib/issues/events`, {
      headers: { ...ada, 'if-none-match': tag },
    })
    expect(again.status).toBe(304)
    expect(again.headers.get('x-poll-interval')).toBe('60')
    expect(again.headers.get('x-ratelimit-used')).toBe(String(used))
    const { data } = await at.as('ada').rest.rateLimit.get()
    expect(data.resources.graphql?.used).toBe(1)
    expect(data.resources.core.used).toBe(used)
  })
})
