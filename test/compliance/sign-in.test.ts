/** git and the API of a real forge, signed in by a token that is replaced while it is used. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { forge, type Forge } from '../../src/forge/index.ts'
import { createGit, createProcesses, type Git, type Processes } from '../../src/process/index.ts'
import { fixedToken, type Credential } from '../../src/secrets/index.ts'
import { createRemote } from '../../src/tasks/claim/remote.ts'
import { createGitHub } from '../../src/tasks/github/github.ts'
import { nullLogger } from '../../src/util/index.ts'
import { onResponse } from './observer.ts'

const signal = new AbortController().signal
let dir: string
let processes: Processes
let git: Git
let server: Forge

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-sign-in-'))
  processes = createProcesses({ stateDir: dir, logger: nullLogger })
  git = createGit({ processes })
  const users = [{ login: 'octo', token: 'good', role: 'admin' as const }]
  server = forge({ dir: join(dir, 'forge'), users }, { processes, onResponse })
  await server.start()
  const from = new URL('../../examples/sample-repo', import.meta.url).pathname
  await server.createRepository({ owner: 'octo', name: 'lib', from })
  await git(['init', '--quiet', '--bare', 'store.git'], { cwd: dir })
})
afterAll(async () => {
  await server.stop()
  await processes.stop()
  await rm(dir, { recursive: true, force: true })
})

/** Has `tokens` one after the other, each after the one before was refused. */
function changing(...tokens: string[]) {
  const refused: string[] = []
  const credential: Credential = {
    ...fixedToken(''),
    token: async () => tokens[0] ?? '',
    refused: async (token) => {
      refused.push(token)
      if (tokens.length > 1) tokens.shift()
      return tokens[0] !== token
    },
  }
  return { credential, refused }
}
const remoteOf = (token: Credential) =>
  createRemote({ gitDir: join(dir, 'store.git'), url: `${server.url}/octo/lib.git`, token }, git)

it('git reads and pushes with the token that came after', async () => {
  const { credential, refused } = changing('bad', 'good')
  const url = `${server.url}/octo/lib.git`
  const listed = await remoteOf(credential)(['ls-remote', url, 'refs/heads/main'], signal)
  expect(listed).toMatch(/^[0-9a-f]{40}\trefs\/heads\/main$/m)
  expect(refused).toEqual(['bad'])

  const pushing = changing('bad', 'good')
  await remoteOf(credential)(['fetch', '--quiet', url, '+refs/heads/main:refs/seen'], signal)
  await remoteOf(pushing.credential)(['push', '--quiet', url, 'refs/seen:refs/x/one'], signal)
  expect(pushing.refused).toEqual(['bad'])
  expect(await remoteOf(credential)(['ls-remote', url, 'refs/x/one'], signal)).toContain(
    'refs/x/one',
  )
})

it('git gives up after one other token, and does not ask for one when something else fails', async () => {
  const url = `${server.url}/octo/lib.git`
  const { credential, refused } = changing('bad', 'worse', 'good')
  const push = ['push', '--quiet', url, 'refs/seen:refs/x/two']
  await expect(remoteOf(credential)(push, signal)).rejects.toMatchObject({ code: 'GIT_FAILED' })
  expect(refused).toEqual(['bad'])
  const other = changing('good', 'never')
  const absent = ['fetch', '--quiet', url, 'refs/heads/absent']
  await expect(remoteOf(other.credential)(absent, signal)).rejects.toMatchObject({
    code: 'GIT_FAILED',
  })
  expect(other.refused).toEqual([])
})

it('the API below /api/v3 is used with the token that came after', async () => {
  const { credential, refused } = changing('bad', 'good')
  expect(new URL(server.apiUrl).pathname).toBe('/api/v3')
  const github = createGitHub(
    { apiUrl: server.apiUrl, token: credential, userAgent: 'test', pace: false },
    { logger: nullLogger },
  )
  expect(await github.viewer(signal)).toBe('octo')
  expect(refused).toEqual(['bad'])
  expect(await github.assignable('octo/lib', 'octo', signal)).toBe(true)
  expect(await github.assignable('octo/lib', 'nobody', signal)).toBe(false)
  expect(github.principal()).toBe(`user:octo@${new URL(server.url).host}`)
  const refs = github.refs('octo/lib')
  const [main = ''] = (await refs.list('refs/heads/main', signal)).values()
  const name = 'refs/x/graphql'
  await refs.updateAll([{ name, beforeOid: '0'.repeat(40), afterOid: main }], signal)
  expect((await refs.list(name, signal)).get(name)).toBe(main)
})
