/** An App against a server that checks its JWT and ends its tokens. */
import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAppCredential, type AppCredential } from '../../../src/secrets/app-credential.ts'
import { createAppCalls } from '../../../src/secrets/github-app.ts'
import { Secret } from '../../../src/secrets/index.ts'
import { explain, nullLogger } from '../../../src/util/index.ts'
import { fakeClock, type FakeClock } from '../mesh/fake-clock.ts'
import { appServer, keyPair, type AppServer } from './app-server.ts'

const MINUTE = 60_000
const pair = keyPair()
const other = keyPair()
let clock: FakeClock
let server: AppServer
let pem: string

beforeEach(async () => {
  clock = fakeClock()
  pem = pair.privateKey
  server = await appServer({ id: 12, publicKey: pair.publicKey, now: () => clock.now() })
})
afterEach(() => server.close())

function credential(init: { installationId?: number; id?: number } = {}): AppCredential {
  const { id = 12, installationId } = init
  const parts = { logger: nullLogger, clock, random: () => 0 }
  const key = async () => ({ value: new Secret(pem), source: 'file /key.pem', warnings: [] })
  const calls = createAppCalls({ apiUrl: server.apiUrl, userAgent: 'test', id, key }, parts)
  return createAppCredential(
    { id, ...(installationId === undefined ? {} : { installationId }) },
    { ...parts, calls },
  )
}
const lib = { repo: 'octo/lib' }

describe('an App', () => {
  it('finds its installation by the repository, once, and says who it is', async () => {
    const app = credential()
    expect(await app.token(lib)).toBe('ghs_7_1')
    expect(await app.token({ repo: 'Octo/Lib' })).toBe('ghs_7_1')
    expect(await app.login()).toBe('bee-bot[bot]')
    expect(server.seen).toEqual([
      'GET /repos/octo/lib/installation',
      'POST /app/installations/7/access_tokens',
      'GET /app',
    ])
    expect(await app.permissions(lib)).toMatchObject({ contents: 'write' })
    expect(app.status()).toEqual({
      kind: 'app',
      source: 'file /key.pem',
      // The server's clock shows whole seconds.
      expiresAtMs: expect.closeTo(clock.now() + 60 * MINUTE, -4),
      error: null,
    })
  })

  it('does not ask for an installation that is configured', async () => {
    const app = credential({ installationId: 7 })
    expect(await app.token({})).toBe('ghs_7_1')
    expect(server.seen).toEqual(['POST /app/installations/7/access_tokens'])
  })

  it('has a token for each account', async () => {
    server.installations.set('acme/x', 8)
    const app = credential()
    expect([await app.token(lib), await app.token({ repo: 'acme/x' })]).toEqual([
      'ghs_7_1',
      'ghs_8_2',
    ])
    expect([app.installation('octo/lib'), app.installation('acme/x'), app.installation()]).toEqual([
      7,
      8,
      undefined,
    ])
    await expect(app.token({})).rejects.toMatchObject({ code: 'APP_NOT_INSTALLED' })
  })

  it('renews before the end, through a failure, and once for all who ask', async () => {
    const app = credential()
    await app.token(lib)
    await clock.advance(55 * MINUTE + 1_000)
    server.failures.push(502)
    expect(await app.token(lib)).toBe('ghs_7_1')
    await expect.poll(() => app.status().error, { timeout: 5_000 }).toContain('did not answer')
    await clock.advance(1_000)
    expect(await Promise.all([app.token(lib), app.token(lib), app.token(lib)])).toEqual(
      Array.from({ length: 3 }, () => 'ghs_7_1'),
    )
    await expect.poll(() => app.token(lib), { timeout: 5_000 }).toBe('ghs_7_2')
    expect(server.issued).toEqual(['ghs_7_1', 'ghs_7_2'])
    expect(app.status().error).toBeNull()
  })

  it('takes a token’s time from GitHub’s clock', async () => {
    clock.jump(-20 * MINUTE)
    const app = credential()
    await server.close()
    server = await appServer({
      id: 12,
      publicKey: pair.publicKey,
      now: () => clock.now() + 20 * MINUTE,
    })
    const late = credential()
    await late.token(lib)
    expect(late.status().expiresAtMs).toBeLessThan(clock.now() + 61 * MINUTE)
    expect(app.status().expiresAtMs).toBeNull()
  })

  it('reads a key anew that GitHub refuses', async () => {
    const app = credential()
    await app.token(lib)
    server.publicKey = other.publicKey
    pem = other.privateKey
    await clock.advance(61 * MINUTE)
    expect(await app.token(lib)).toBe('ghs_7_2')
  })

  it('looks for its installation again when it was installed anew', async () => {
    const app = credential()
    await app.token(lib)
    server.installations.set('octo/lib', 9)
    await clock.advance(61 * MINUTE)
    await expect(app.token(lib)).rejects.toMatchObject({
      code: 'APP_NOT_INSTALLED',
      data: { installation: 7 },
    })
    expect(await app.token(lib)).toBe('ghs_9_2')
  })
})

describe('what goes wrong', () => {
  it.each([
    ['another key', () => (pem = other.privateKey), lib, 'APP_UNAUTHORIZED'],
    ['a repository where it is not installed', () => '', { repo: 'octo/x' }, 'APP_NOT_INSTALLED'],
    ['a suspended installation', () => server.failures.push(403), lib, 'APP_REFUSED'],
    ['a server error', () => server.failures.push(500), lib, 'APP_UNREACHABLE'],
    ['an absurd end', () => (server.lifeMs = 30 * 24 * 60 * MINUTE), lib, 'APP_ANSWER'],
    ['a token that is over', () => (server.lifeMs = -1), lib, 'APP_ANSWER'],
  ])('is named: %s', async (_what, arrange, at, code) => {
    arrange()
    await expect(credential().token(at)).rejects.toMatchObject({ code, next: expect.any(String) })
  })

  it('names an id that is not the key’s', async () => {
    await expect(credential({ id: 13 }).login()).rejects.toMatchObject({ code: 'APP_UNAUTHORIZED' })
  })

  it('is unreachable when nobody listens', async () => {
    await server.close()
    await expect(credential().token(lib)).rejects.toMatchObject({ code: 'APP_UNREACHABLE' })
    server = await appServer({ id: 12, publicKey: pair.publicKey, now: () => clock.now() })
  })

  it('refuses what is no RSA key, and never repeats it', async () => {
    const ec = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    for (const text of ['hunter2', ec.privateKey, pair.privateKey.slice(0, 200)]) {
      pem = text
      const error: Error = await credential()
        .check()
        .then(
          () => expect.fail('accepted'),
          (caught: Error) => caught,
        )
      expect(error).toMatchObject({ code: 'APP_KEY_INVALID', data: { source: 'file /key.pem' } })
      expect(explain(error) + JSON.stringify(error)).not.toContain(text.slice(30, 60) || text)
    }
  })

  it('takes a key with escaped line breaks, as a variable may hold it', async () => {
    pem = pair.privateKey.replaceAll('\n', '\\n')
    expect(await credential().login()).toBe('bee-bot[bot]')
  })

  it('keeps keys, JWTs and tokens out of errors', async () => {
    pem = other.privateKey
    const error: unknown = await credential()
      .token(lib)
      .catch((caught: unknown) => caught)
    const said = explain(error) + JSON.stringify(error)
    expect(said).not.toMatch(/eyJ|BEGIN|ghs_|bearer/i)
  })
})
