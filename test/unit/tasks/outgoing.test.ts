/** A dry run writes nothing, whichever call is made: every call there is is tried against a server that counts. */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGitTransport } from '../../../src/tasks/claim/git-transport.ts'
import { createRestTransport } from '../../../src/tasks/claim/rest-transport.ts'
import { createGitHub } from '../../../src/tasks/github/github.ts'
import { createOutgoing } from '../../../src/tasks/outgoing/outgoing.ts'
import { plan } from '../../../src/tasks/outgoing/rehearse.ts'
import type { Job } from '../../../src/tasks/context.ts'
import { nullLogger } from '../../../src/util/index.ts'

const mask = (text: string) => Promise.resolve(text.replaceAll('hunter2', '[secret]'))
const dry = createOutgoing({ dryRun: true }, { logger: nullLogger, mask })
const wet = createOutgoing({ dryRun: false }, { logger: nullLogger, mask })
const oid = 'a'.repeat(40)
const signal = AbortSignal.timeout(60_000)

let server: Server
let apiUrl = ''
const seen: { method: string; url: string; body: string }[] = []
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      seen.push({ method: request.method ?? '', url: request.url ?? '', body })
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"Not Found"}')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

type Fn = (...args: unknown[]) => unknown

/** Functions of an object and of the objects in it, with what they are called. */
function functionsOf(value: object, name: string): [string, Fn][] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    if (typeof inner === 'function') return [[`${name}.${key}`, inner as Fn] as [string, Fn]]
    return typeof inner === 'object' && inner !== null ? functionsOf(inner, `${name}.${key}`) : []
  })
}

/** In the usual order, and in others that calls have. */
const someArguments = [
  ['octo/lib', 1, 'word', signal],
  ['octo/lib', 1, 'word', 'word', signal],
  ['octo/lib', 1, { head: 'a', base: 'b', title: 't', body: 'b' }, signal],
  ['octo/lib', { head: 'a', base: 'b', title: 't', body: 'b' }, signal],
  ['octo/lib', 'word', signal],
  ['octo/lib', 1, signal],
  ['octo/lib', signal],
  [signal],
]
const isWrite = ({ method, body }: (typeof seen)[number]) =>
  method !== 'GET' && method !== 'HEAD' && !(method === 'POST' && /"query":"\s*query/.test(body))

describe('a dry run', () => {
  it('lets no call of GitHub write, and refuses each write by its code', async () => {
    const init = { apiUrl, token: 'x', userAgent: 'test', pace: false, timeoutMs: 20_000 }
    const github = createGitHub(init, { logger: nullLogger, outgoing: dry })
    const refs = github.refs('octo/lib')
    const refused = new Set<string>()
    const attempt = async (name: string, call: () => unknown) => {
      try {
        await call()
      } catch (error) {
        if ((error as { code?: string }).code === 'DRY_RUN') refused.add(name)
      }
    }
    for (const [name, call] of functionsOf(github, 'github'))
      for (const given of someArguments) await attempt(name, () => call(...given))
    const person = { name: 'a', email: 'a@b', date: '2026-01-01T00:00:00Z' }
    await attempt('refs.createCommit', () =>
      refs.createCommit({ message: 'm', tree: oid, parents: [], person }, signal),
    )
    await attempt('refs.create', () => refs.create('refs/bzzz/claims/1', oid, signal))
    await attempt('refs.forward', () => refs.forward('refs/bzzz/claims/1', oid, signal))
    await attempt('refs.remove', () => refs.remove('refs/bzzz/claims/1', signal))
    expect(seen.length).toBeGreaterThan(5)
    expect(seen.filter(isWrite)).toEqual([])
    const writes = ['assign', 'unassign', 'addLabel', 'comment', 'openPull']
    const ofRefs = ['createCommit', 'create', 'forward', 'remove']
    for (const name of [
      ...writes.map((one) => `github.${one}`),
      ...ofRefs.map((one) => `refs.${one}`),
    ])
      expect(refused).toContain(name)
  })

  it('lets neither transport of refs move one', async () => {
    const ran: string[] = []
    const git = (args: readonly string[]) => (ran.push(args.join(' ')), Promise.resolve(''))
    const store = { gitDir: '/nowhere', url: `${apiUrl}/o/r.git`, token: 'x', outgoing: dry }
    const init = { apiUrl, token: 'x', userAgent: 'test', pace: false }
    const github = createGitHub(init, { logger: nullLogger, outgoing: dry })
    const api = github.refs('octo/lib')
    const transports = [
      createGitTransport(store, { git }),
      createRestTransport({ ...store, refPrefix: 'refs/bzzz/claims/' }, { git, api }),
    ]
    const before = seen.length
    for (const transport of transports) {
      for (const expected of [null, oid]) {
        const update = { ref: 'refs/bzzz/claims/1', expected, next: oid }
        const work = { ref: 'refs/heads/bzzz/issue-1', expected, next: oid }
        expect(await transport.compareAndSwap([update], signal)).toMatchObject({ is: 'unmoved' })
        expect(await transport.compareAndSwap([update, work], signal)).toMatchObject({
          is: 'unmoved',
        })
      }
    }
    await transports[0]?.list('refs/bzzz/claims/', signal)
    expect(ran.filter((line) => /^push| push /.test(line))).toEqual([])
    expect(ran.some((line) => line.startsWith('ls-remote'))).toBe(true)
    expect(seen.slice(before).filter(isWrite)).toEqual([])
  })

  it('refuses mutations, and what is neither query nor known', () => {
    expect(() => dry.graphql('mutation ($x: Y!) { a }')).toThrow(
      expect.objectContaining({ code: 'DRY_RUN' }),
    )
    expect(() => dry.graphql('# query\nsubscription { a }')).toThrow()
    for (const query of ['query { a }', '{ a }', ' query ($x: Y!) { a }']) dry.graphql(query)
    for (const args of [['push', 'x'], ['--quiet', 'push'], ['send-pack'], ['remote', 'add'], []])
      expect(() => dry.git(args)).toThrow()
    wet.git(['push'])
    wet.graphql('mutation { a }')
  })

  it('has no other way out: only these files talk to GitHub', () => {
    const root = join(import.meta.dirname, '../../../src/tasks')
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    )
    const holding = (pattern: RegExp) =>
      files.filter((name) => pattern.test(readFileSync(join(root, name), 'utf8'))).sort()
    expect(holding(/octokit\.(?:request|graphql)\(|new Octokit\(/)).toEqual([
      'github/github.ts',
      'github/probe.ts',
    ])
    expect(holding(/auth: \{/)).toEqual(['claim/remote.ts'])
  })
})

describe('what goes out otherwise', () => {
  it('loses secrets in all that people read, and nothing else', async () => {
    const route = 'POST /repos/{owner}/{repo}/pulls'
    const given = { owner: 'o', title: 'hunter2', body: 'a hunter2 b', head: 'hunter2' }
    expect(await wet.rest(route, given, signal)).toEqual({
      owner: 'o',
      title: '[secret]',
      body: 'a [secret] b',
      head: 'hunter2',
    })
    expect(await wet.rest('GET /x', { body: 'hunter2' }, signal)).toEqual({ body: 'hunter2' })
  })
})

describe('plan', () => {
  const settings = {
    refPrefix: 'refs/bzzz/claims/',
    failed: 'bzzz:failed',
    branchPrefix: 'bzzz/issue-',
    leaseMs: 60_000,
  }
  const context = { settings, login: 'ada' } as Parameters<typeof plan>[0]
  const job = (more: Partial<Job> = {}) =>
    ({
      issue: { number: 12, title: 'Fix it' },
      place: { info: { defaultBranch: 'main' } },
      attempt: 2,
      previous: oid,
      earlier: ['bob'],
      ...more,
    }) as Job

  it('names every write in its order', () => {
    expect(plan(context, job())).toEqual([
      'push a claim (attempt 2) to refs/bzzz/claims/12 from aaaaaaaaaaaa',
      'assign ada to #12',
      'take the assignment of bob off #12',
      'push renewals to refs/bzzz/claims/12 while it works, every 20 s',
      "when the work and its checks are good: push the claim's end (done) to refs/bzzz/claims/12 and the work to refs/heads/bzzz/issue-12, at once",
      'then: open a pull request "Fix it (#12)" from bzzz/issue-12 into main',
      'when they are not: add the label bzzz:failed to #12',
      'when they are not: write a comment on #12 that says why and what was tried',
      'when they are not: take the assignment of ada off #12',
      "when they are not: push the claim's end (failed) to refs/bzzz/claims/12",
    ])
  })

  it('says what cannot be worked and why', () => {
    const refusal = { code: 'X', reason: 'its block is broken', tried: [] }
    const lines = plan(context, job({ refusal, previous: null }))
    expect(lines[0]).toContain('that does not exist yet')
    expect(lines.join('\n')).toContain('bzzz:failed to #12, since its block is broken')
    expect(lines.join('\n')).not.toContain('pull request')
  })
})

it('a text that was cut within a character is sent without half of it', async () => {
  const body = `${'x'.repeat(9)}😀`.slice(0, 10)
  expect(body.isWellFormed()).toBe(false)
  const sent = await wet.rest('POST /repos/{owner}/{repo}/pulls', { title: body, body }, signal)
  expect(sent).toEqual({ title: 'xxxxxxxxx\ufffd', body: 'xxxxxxxxx\ufffd' })
})
