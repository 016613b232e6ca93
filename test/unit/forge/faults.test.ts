import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ForgeFaultRule } from '../../../src/forge/index.ts'
import { LIB, client, failure, site, type Site } from './helper.ts'

let at: Site
beforeAll(async () => {
  at = await site()
})
afterEach(() => at.server.faults.clear())
afterAll(() => at.close())

const REFS = { method: 'POST', path: '/repos/octo/lib/git/refs' }
const add = (rule: ForgeFaultRule) => at.server.faults.add(rule)
const rest = () => at.as('ada').rest
const main = async () => (await rest().git.getRef({ ...LIB, ref: 'heads/main' })).data.object.sha
const exists = async (ref: string) =>
  (await at.as('bob').rest.git.listMatchingRefs({ ...LIB, ref })).data.length > 0
const create = (name: string, sha: string) =>
  rest().git.createRef({ ...LIB, ref: `refs/heads/${name}`, sha })

describe('faults over REST', () => {
  it('answers 5xx before applying or after it', async () => {
    const sha = await main()
    const before = add({ ...REFS, fault: { kind: 'error', when: 'before', status: 503 }, count: 1 })
    expect((await failure(create('a', sha))).status).toBe(503)
    expect(await exists('heads/a')).toBe(false)
    add({ ...REFS, fault: { kind: 'error', when: 'after' }, count: 1 })
    expect((await failure(create('a', sha))).status).toBe(502)
    expect(await exists('heads/a')).toBe(true)
    expect(before.hits).toBe(1)
    expect((await create('b', sha)).status).toBe(201)
  })

  it('cuts the connection before applying or after it', async () => {
    const sha = await main()
    add({ ...REFS, fault: { kind: 'drop', when: 'before' }, count: 1 })
    await expect(create('cut', sha)).rejects.toMatchObject({ status: 500 })
    expect(await exists('heads/cut')).toBe(false)
    add({ ...REFS, fault: { kind: 'drop', when: 'after' }, count: 1 })
    await expect(create('cut', sha)).rejects.toMatchObject({ status: 500 })
    expect(await exists('heads/cut')).toBe(true)
  })

  it('lets an answer wait, and ends the wait when it stops', async () => {
    const handle = add({ fault: { kind: 'latency', ms: 60 }, path: /\/heads\/main$/, skip: 1 })
    await main()
    expect(handle.hits).toBe(0)
    const started = performance.now()
    await main()
    expect(performance.now() - started).toBeGreaterThanOrEqual(55)
    expect(handle.hits).toBe(1)
    const other = await site()
    other.server.faults.add({ fault: { kind: 'latency', ms: 600_000 }, path: '/meta' })
    const hanging = fetch(`${other.server.apiUrl}/meta`).then(
      () => 'answered',
      () => 'cut',
    )
    const seen = other.server.faults.add({ fault: { kind: 'latency', ms: 0 }, path: '/meta' })
    await expect.poll(() => seen.hits).toBe(1)
    await other.close()
    expect(await hanging).toBe('cut')
  })

  it('limits as GitHub words it', async () => {
    const sha = await main()
    add({ ...REFS, fault: { kind: 'secondary-limit', retryAfterS: 7 }, count: 1 })
    const error = (await create('limited', sha).catch((cause: unknown) => cause)) as {
      status: number
      message: string
      response: { headers: Record<string, string> }
    }
    expect(error.status).toBe(403)
    // What octokit's throttling looks for.
    expect(error.message).toMatch(/\bsecondary rate\b/i)
    expect(error.response.headers['retry-after']).toBe('7')
    add({ fault: { kind: 'primary-limit', resetS: 30 }, count: 1 })
    const answer = await fetch(`${at.server.apiUrl}/user`)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('0')
    expect(Number(answer.headers.get('x-ratelimit-reset')) * 1_000).toBeGreaterThan(Date.now())
    expect(await answer.json()).toMatchObject({ message: /API rate limit exceeded/ })
    expect(await exists('heads/limited')).toBe(false)
  })

  it('shows issues and refs as they were, with the tag of what they were', async () => {
    const stale = add({ fault: { kind: 'stale', ms: 60_000 } })
    const { data: made } = await rest().issues.create({ ...LIB, title: 'first' })
    const read = async (login: 'ada' | 'bob') =>
      (await at.as(login).rest.issues.get({ ...LIB, issue_number: made.number })).data.title
    expect(await read('ada')).toBe('first')
    expect(await exists('heads/late')).toBe(false)
    const tag = async () => {
      const answer = await fetch(`${at.server.apiUrl}/repos/octo/lib/issues/${made.number}`)
      return answer.headers.get('etag')
    }
    const before = await tag()
    await rest().issues.update({ ...LIB, issue_number: made.number, title: 'second' })
    await create('late', await main())
    expect(await read('bob')).toBe('first')
    expect(await tag()).toBe(before)
    expect(await exists('heads/late')).toBe(false)
    stale.remove()
    expect(await tag()).not.toBe(before)
    expect(await read('bob')).toBe('second')
    expect(await exists('heads/late')).toBe(true)
  })

  it('shows nothing older than the bound', async () => {
    add({ fault: { kind: 'stale', ms: 0 } })
    expect(await exists('heads/now')).toBe(false)
    await create('now', await main())
    expect(await exists('heads/now')).toBe(true)
  })

  it('shows no old answer to somebody who may not read the repository', async () => {
    await at.server.createRepository({ owner: 'octo', name: 'den', private: true })
    add({ fault: { kind: 'stale', ms: 60_000 } })
    const den = { owner: 'octo', repo: 'den' }
    await rest().issues.listForRepo(den)
    expect((await failure(at.anonymous.rest.issues.listForRepo(den))).status).toBe(404)
  })
})

describe('the choice of faults', () => {
  const fates = async (seed: number): Promise<string> => {
    const { faults } = at.server
    faults.clear()
    faults.seed(seed)
    faults.add({ fault: { kind: 'error', when: 'before' }, path: '/meta', probability: 0.5 })
    const seen: number[] = []
    for (let turn = 0; turn < 24; turn += 1)
      seen.push((await fetch(`${at.server.url}/meta`)).status)
    return seen.join(' ')
  }

  it('repeats itself with the same seed, and differs with another', async () => {
    const first = await fates(7)
    expect(first).toContain('502')
    expect(first).toContain('200')
    expect(await fates(7)).toBe(first)
    expect(await fates(8)).not.toBe(first)
  })

  it('leaves other methods and paths alone, and refuses a rule that makes no sense', async () => {
    add({ fault: { kind: 'error', when: 'before' }, method: ['PUT', 'DELETE'] })
    add({ fault: { kind: 'error', when: 'before' }, path: '/user' })
    expect((await fetch(`${at.server.apiUrl}/meta`)).status).toBe(200)
    expect((await failure(client(at.server.apiUrl).request('GET /user'))).status).toBe(502)
    expect(() => add({ fault: { kind: 'latency', ms: -1 } })).toThrow(
      expect.objectContaining({ code: 'FORGE_FAULT_INVALID', data: { field: 'fault.ms' } }),
    )
    expect(() => add({ fault: { kind: 'drop', when: 'after' }, probability: 2 })).toThrow(
      expect.objectContaining({ data: { field: 'probability' } }),
    )
  })
})

describe('faults of git over HTTP', () => {
  it('breaks a push before it is applied or after', async () => {
    const clone = await at.clone('ada')
    await writeFile(join(clone, 'faulty.txt'), 'x\n')
    await at.git(clone, 'add', '.')
    await at.git(clone, 'commit', '-q', '-m', 'faulty')
    const push = async (name: string) =>
      (await at.git(clone, 'push', 'origin', `HEAD:refs/bzzz/${name}`)).exitCode
    const path = /git-receive-pack$/
    const cases = [
      { name: 'e1', fault: { kind: 'error', when: 'before' }, applied: false },
      { name: 'e2', fault: { kind: 'error', when: 'after' }, applied: true },
      { name: 'd1', fault: { kind: 'drop', when: 'before' }, applied: false },
      { name: 'd2', fault: { kind: 'drop', when: 'after' }, applied: true },
    ] as const
    for (const { name, fault, applied } of cases) {
      const handle = add({ fault, method: 'POST', path, count: 1 })
      expect(await push(name), name).not.toBe(0)
      expect(handle.hits).toBe(1)
      expect(await exists(`bzzz/${name}`), name).toBe(applied)
    }
    expect(await push('e1')).toBe(0)
  })
})
