/** octokit signed in by a credential that changes: an App whose token ends, a token that is replaced. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAppCredential } from '../../../src/secrets/app-credential.ts'
import { createAppCalls } from '../../../src/secrets/github-app.ts'
import { createCredential, Secret, type CommandRunner } from '../../../src/secrets/index.ts'
import { createGitHub } from '../../../src/tasks/github/github.ts'
import { expiryOf } from '../../../src/tasks/github/auth.ts'
import { requireAssignable } from '../../../src/tasks/github/principal.ts'
import { nullLogger, type Logger } from '../../../src/util/index.ts'
import { fakeClock, type FakeClock } from '../mesh/fake-clock.ts'
import { appServer, keyPair, type AppServer } from '../secrets/app-server.ts'

const MINUTE = 60_000
const signal = new AbortController().signal
const pair = keyPair()
const commands: CommandRunner = { run: async () => ({ reason: 'not-found', stdout: '' }) }
let clock: FakeClock
let server: AppServer
let dir: string

beforeEach(async () => {
  clock = fakeClock()
  server = await appServer({ id: 12, publicKey: pair.publicKey, now: () => clock.now() })
  dir = await mkdtemp(join(tmpdir(), 'bzzz-auth-'))
})
afterEach(async () => {
  await server.close()
  await rm(dir, { recursive: true })
})

function appClient() {
  const { apiUrl } = server
  const key = async () => ({ value: new Secret(pair.privateKey), source: 'file', warnings: [] })
  const parts = { logger: nullLogger, clock, random: () => 0 }
  const calls = createAppCalls({ apiUrl, userAgent: 'test', id: 12, key }, parts)
  const token = createAppCredential({ id: 12 }, { ...parts, calls })
  return createGitHub({ apiUrl, token, userAgent: 'test', pace: false }, { logger: nullLogger })
}

describe('octokit as an App, below a path prefix', () => {
  it('is slug[bot], with the App’s permissions and a principal of its installation', async () => {
    const github = appClient()
    expect(github.principal('octo/lib')).toBeNull()
    expect(await github.viewer(signal)).toBe('bee-bot[bot]')
    expect(await github.repository('octo/lib', signal)).toMatchObject({
      canPush: true,
      missing: [],
    })
    const host = new URL(server.apiUrl).host
    expect(github.principal('octo/lib')).toBe(`app:12/7@${host}`)
    expect(github.principal()).toBe(`app:12/7@${host}`)
    server.installations.set('acme/x', 8)
    await github.repository('acme/x', signal)
    expect(github.principal('ACME/x')).toBe(`app:12/8@${host}`)
    expect(github.principal()).toBeNull()
  })

  it('goes on over renewals, also after a long silence, in REST and in GraphQL', async () => {
    const github = appClient()
    await github.repository('octo/lib', signal)
    await clock.advance(61 * MINUTE)
    await github.refs('octo/lib').updateAll([], signal)
    await clock.advance(61 * MINUTE)
    await github.repository('octo/lib', signal)
    expect(server.issued).toEqual(['ghs_7_1', 'ghs_7_2', 'ghs_7_3'])
    expect(server.seen.filter((one) => one === 'POST graphql')).toHaveLength(1)
  })

  it('takes another token when one was revoked, and makes the request again', async () => {
    const github = appClient()
    await github.repository('octo/lib', signal)
    await clock.advance(MINUTE)
    server.revoked.add('ghs_7_1')
    await github.repository('octo/lib', signal)
    expect(server.issued).toEqual(['ghs_7_1', 'ghs_7_2'])
  })

  it('names what the App lacks', async () => {
    server.permissions = { contents: 'read', issues: 'write', pull_requests: 'admin' }
    const { canPush, missing } = await appClient().repository('octo/lib', signal)
    expect([canPush, missing]).toEqual([false, ['contents']])
  })

  it.each([
    [404, 'GITHUB_NOT_FOUND'],
    [403, 'GITHUB_FORBIDDEN'],
    [500, 'GITHUB_UNREACHABLE'],
    [401, 'GITHUB_UNAUTHORIZED'],
  ])('fails as any call does when there is no token: %i', async (status, code) => {
    server.failures.push(status)
    await expect(appClient().repository('octo/lib', signal)).rejects.toMatchObject({
      code,
      next: expect.any(String),
    })
  })

  it('asks whether a bot may be assigned, and says what to type when not', async () => {
    const github = appClient()
    const login = await github.viewer(signal)
    const at = { repo: 'octo/lib', login, chosen: false }
    await expect(requireAssignable(github, at, signal)).rejects.toMatchObject({
      code: 'NOT_ASSIGNABLE',
      next: expect.stringContaining('github.assignee: LOGIN'),
    })
    server.assignable.add('bee-bot[bot]')
    await requireAssignable(github, at, signal)
    const person = { repo: 'octo/lib', login: 'bee', chosen: false }
    const before = server.seen.length
    await requireAssignable(github, person, signal)
    expect(server.seen).toHaveLength(before)
    await expect(
      requireAssignable(github, { ...person, chosen: true }, signal),
    ).rejects.toMatchObject({ code: 'NOT_ASSIGNABLE', next: expect.stringContaining('octo/lib') })
  })
})

describe('octokit with a token in a file', () => {
  const client = (logger: Logger = nullLogger) => {
    const { apiUrl } = server
    const init = { apiUrl, token: { file: join(dir, 'token') }, app: {}, userAgent: 'test' }
    const credential = createCredential(init, { env: {}, commands, logger, clock })
    const github = createGitHub({ apiUrl, token: credential, userAgent: 'test' }, { logger })
    return { github, credential }
  }
  /** As rotation does it: the new file takes the place of the old one. */
  const put = async (token: string) => {
    await writeFile(join(dir, 'new'), token, { mode: 0o600 })
    await rename(join(dir, 'new'), join(dir, 'token'))
  }

  it('takes up a new token when the old one is refused, without a restart', async () => {
    server.personal.set('one', { login: 'bee' })
    await put('one')
    const { github, credential } = client()
    expect(await github.viewer(signal)).toBe('bee')
    expect(github.principal()).toBe(`user:bee@${new URL(server.apiUrl).host}`)
    server.personal.clear()
    server.personal.set('two', { login: 'bee' })
    await put('two')
    await clock.advance(5_000)
    expect(await github.viewer(signal)).toBe('bee')
    expect(server.seen).toEqual(['GET /user', 'GET /user', 'GET /user'])
    server.personal.clear()
    await clock.advance(5_000)
    await expect(github.viewer(signal)).rejects.toMatchObject({ code: 'GITHUB_UNAUTHORIZED' })
    expect(server.seen).toHaveLength(4)
    expect(credential.status().error).toContain('token')
  })

  it('knows when the token ends, and warns', async () => {
    server.personal.set('one', { login: 'bee', expires: '2023-11-16 22:13:20 UTC' })
    await put('one')
    const warned: string[] = []
    const { github, credential } = client({
      ...nullLogger,
      warn: (_fields, message) => void warned.push(message),
    })
    await github.viewer(signal)
    expect(credential.status().expiresAtMs).toBe(Date.UTC(2023, 10, 16, 22, 13, 20))
    expect(warned).toEqual([expect.stringContaining('expires in 1 day;')])
    // Also from an answer that says no.
    server.personal.set('one', { login: 'bee', expires: '2023-11-17 22:13:20 UTC' })
    await expect(github.assignable('octo/lib', 'x', signal)).resolves.toBe(false)
    expect(credential.status().expiresAtMs).toBe(Date.UTC(2023, 10, 17, 22, 13, 20))
  })
})

describe('expiryOf', () => {
  it.each([
    ['2026-12-31 23:59:59 UTC', Date.UTC(2026, 11, 31, 23, 59, 59)],
    ['2026-12-31 23:59:59 -0500', Date.UTC(2027, 0, 1, 4, 59, 59)],
    ['2026-12-31 23:59:59 +02:00', Date.UTC(2026, 11, 31, 21, 59, 59)],
    ['2026-13-31 23:59:59 UTC', undefined],
    ['soon', undefined],
    [undefined, undefined],
  ])('reads %s', (value, at) => {
    expect(expiryOf({ 'github-authentication-token-expiration': value })).toBe(at)
  })
})
