/** The ref calls against a server that answers as no forge can be made to. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRestTransport, type RestRefs } from '../../../src/tasks/claim/rest-transport.ts'
import { createGitHub } from '../../../src/tasks/github/github.ts'
import type { RefsApi } from '../../../src/tasks/github/refs.ts'
import { nullLogger } from '../../../src/util/index.ts'

const signal = new AbortController().signal
const [a, b] = ['a'.repeat(40), 'b'.repeat(40)]
const seen: { method: string; url: string; body: string }[] = []
let server: Server
let refs: RefsApi
let answer: (url: string) => { status?: number; body: unknown; more?: boolean }

beforeEach(async () => {
  seen.length = 0
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const url = request.url ?? ''
      seen.push({ method: request.method ?? '', url, body })
      const answered = url === '/repos/octo/lib' ? { body: { node_id: 'R_1' } } : answer(url)
      response.statusCode = ('status' in answered ? answered.status : undefined) ?? 200
      response.setHeader('content-type', 'application/json')
      if ('more' in answered && answered.more)
        response.setHeader('link', '<http://127.0.0.1/>; rel="next"')
      response.end(JSON.stringify(answered.body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const init = { apiUrl: `http://127.0.0.1:${port}`, token: 't', userAgent: 'test', pace: false }
  refs = createGitHub(init, { logger: nullLogger }).refs('octo/lib')
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const ref = (name: string, sha: string) => ({ ref: name, object: { sha } })

describe('a list of refs', () => {
  it('goes over pages and takes no ref of another prefix', async () => {
    answer = (url) =>
      /[?&]page=1(&|$)/.test(url)
        ? { body: [ref('refs/x/1', a), ref('refs/xy', b)], more: true }
        : { body: [ref('refs/x/2', b)] }
    expect([...(await refs.list('refs/x/', signal))]).toEqual([
      ['refs/x/1', a],
      ['refs/x/2', b],
    ])
  })

  it('does not take a hidden repository for an absent ref', async () => {
    answer = () => ({ status: 404, body: { message: 'Not Found' } })
    await expect(refs.list('refs/x/1', signal)).rejects.toMatchObject({ code: 'GITHUB_NOT_FOUND' })
  })
})

describe('an atomic update', () => {
  const move = () => refs.updateAll([{ name: 'refs/x/1', beforeOid: a, afterOid: b }], signal)

  it('names the repository by its node and forces nothing', async () => {
    answer = () => ({ body: { data: { updateRefs: { clientMutationId: null } } } })
    await move()
    const sent = JSON.parse(seen.at(-1)?.body ?? '') as { variables: unknown }
    expect(sent.variables).toEqual({
      input: {
        repositoryId: 'R_1',
        refUpdates: [{ name: 'refs/x/1', beforeOid: a, afterOid: b, force: false }],
      },
    })
    await move()
    expect(seen.filter(({ url }) => url === '/repos/octo/lib')).toHaveLength(1)
  })

  it.each([
    ['no GraphQL', 404, { message: 'Not Found' }],
    [
      'no such field',
      200,
      { errors: [{ message: "Field 'updateRefs' doesn't exist on type 'Mutation'" }] },
    ],
    [
      'no such input',
      200,
      { errors: [{ message: "UpdateRefsInput isn't a defined input type (on $input)" }] },
    ],
  ])('says so when there is %s', async (_what, status, body) => {
    answer = () => ({ status, body })
    await expect(move()).rejects.toMatchObject({ code: 'UPDATE_REFS_MISSING' })
  })

  it.each([
    ['GITHUB_REFUSED', 200, { errors: [{ type: 'UNPROCESSABLE', message: 'is not a ref' }] }],
    ['GITHUB_REFUSED', 200, { data: null, errors: [{ message: 'updateRefs: moved' }] }],
    ['GITHUB_UNAUTHORIZED', 401, { message: 'Bad credentials' }],
    ['GITHUB_ANSWER', 200, { data: { updateRefs: null } }],
  ])('fails as %s', async (code, status, body) => {
    answer = () => ({ status, body })
    await expect(move()).rejects.toMatchObject({ code })
  })
})

describe('the rest transport', () => {
  const raw = `tree ${a}\nparent ${b}\nauthor bzzz <b@l> 5 +0000\ncommitter bzzz <b@l> 5 +0000\n\nx\n`
  const moved: string[] = []
  const api = (made: string): RestRefs => ({
    list: async () => new Map(),
    createCommit: async () => made,
    create: async () => void moved.push('create'),
    forward: async () => void moved.push('forward'),
    remove: async () => undefined,
    updateAll: async () => void moved.push('all'),
  })
  const init = { gitDir: '', url: 'http://127.0.0.1/', token: 't', refPrefix: 'refs/x/' }
  const swap = (made: string, expected: string | null) =>
    createRestTransport(init, { git: async () => raw, api: api(made) }).compareAndSwap(
      [{ ref: 'refs/x/1', expected, next: a }],
      signal,
    )

  it('moves no ref to a record that GitHub altered', async () => {
    moved.length = 0
    expect(await swap(b, b)).toMatchObject({ error: { code: 'CLAIM_RECORD_ALTERED' } })
    expect(moved).toEqual([])
    expect(await swap(a, b)).toEqual({ is: 'moved' })
    expect(moved).toEqual(['forward'])
  })

  it('never fast-forwards from a tip that the record does not follow', async () => {
    moved.length = 0
    expect(await swap(a, 'c'.repeat(40))).toMatchObject({ is: 'unmoved' })
    expect(await swap(a, null)).toMatchObject({ is: 'unmoved' })
    expect(moved).toEqual([])
  })
})
