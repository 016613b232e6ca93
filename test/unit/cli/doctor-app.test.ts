/** What doctor finds for an agent that signs in as a GitHub App, on a real forge. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import type { Context } from '../../../src/cli/context.ts'
import { accountRows } from '../../../src/cli/commands/doctor/account.ts'
import { runChecks } from '../../../src/cli/commands/doctor/check.ts'
import { repositoryChecks } from '../../../src/cli/commands/doctor/github.ts'
import { signInOf } from '../../../src/cli/commands/doctor/sign-in.ts'
import { createGit } from '../../../src/process/index.ts'
import type { Secret } from '../../../src/secrets/index.ts'
import { probeLive } from '../../../src/tasks/index.ts'
import { site, type Site } from '../forge/helper.ts'

const pair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
const keys = pair()
const full = { contents: 'write', issues: 'write', pull_requests: 'write' } as const
const never = new AbortController().signal

let at: Site
let keyFile: string
beforeAll(async () => {
  const app = (id: number, slug: string, permissions: object, account = 'octo') => ({
    id,
    slug,
    key: keys.publicKey,
    permissions,
    installations: [{ id: id * 10, account }],
  })
  at = await site({
    apps: [
      app(7, 'bee', full),
      app(8, 'weak', { ...full, issues: 'read' }),
      app(9, 'away', full, 'other'),
    ],
  })
  keyFile = join(at.dir, 'app.pem')
  await writeFile(keyFile, keys.privateKey, { mode: 0o600 })
})
afterAll(() => at.close())

const context = () => ({ env: {}, cwd: at.dir, signal: never }) as unknown as Context

async function look(id: number, more: object = {}) {
  const options = configSchema.parse({
    github: {
      apiUrl: at.server.apiUrl,
      repos: ['octo/lib'],
      app: { id, privateKey: { file: keyFile } },
      ...more,
    },
  })
  const config = { ...options, name: 'owl', home: at.dir }
  const secrets: Secret[] = []
  const signIn = await signInOf(config, context(), at, secrets)
  const parts = { config, signIn, userAgent: 'test' }
  const { rows, login } = await accountRows(parts, never)
  const dir = join(at.dir, `doctor-${id}-${secrets.length}-${Math.random()}`)
  await mkdir(dir)
  const git = createGit({ processes: at.processes })
  const work = { readPolicy: async () => ({}) as never }
  const who = { login: login ?? '', assignee: config.github.assignee ?? login ?? '' }
  const checks = repositoryChecks({ ...parts, git, work, dir }, who)
  const all = login === undefined ? rows : [...rows, ...(await runChecks(checks, never))]
  return { signIn, rows: new Map(all.map((row) => [row.id, row])), secrets }
}

it('knows an App that may do all, and whose assignments it makes', async () => {
  const { rows, secrets } = await look(7, { assignee: 'ada' })
  expect([...rows.keys()]).toEqual([
    'github',
    'clock',
    'app',
    'rate-limit',
    'repo:octo/lib',
    'claims:octo/lib',
  ])
  expect(rows.get('app')).toMatchObject({
    status: 'ok',
    seen: expect.stringContaining(`file ${keyFile}: bee[bot]`),
  })
  expect(rows.get('clock')?.status).toBe('ok')
  expect(rows.get('rate-limit')?.seen).toMatch(/of \d+ requests left/)
  expect(rows.get('repo:octo/lib')?.status).not.toBe('fail')
  expect(rows.get('claims:octo/lib')).toMatchObject({ status: 'ok', seen: 'none' })
  // The key, and the tokens that could turn up in an error.
  expect(secrets.length).toBeGreaterThan(1)
})

it('names the permissions that an App lacks', async () => {
  const { rows } = await look(8)
  expect(rows.get('app')?.status).toBe('ok')
  expect(rows.get('repo:octo/lib')).toMatchObject({
    status: 'fail',
    seen: 'the App weak[bot] may not write issues of octo/lib',
    next: expect.stringContaining('accept that in the installation'),
  })
})

it('names a repository where the App is not installed, once', async () => {
  const { rows } = await look(9)
  expect(rows.get('clock')?.status).toBe('skip')
  const row = rows.get('repo:octo/lib')
  expect(row).toMatchObject({ status: 'fail', next: expect.stringContaining('Install it there') })
  expect(row?.seen.match(/not installed/g)).toHaveLength(1)
})

it('tells a key that belongs to another App from a file that is none', async () => {
  const other = join(at.dir, 'other.pem')
  await writeFile(other, pair().privateKey, { mode: 0o644 })
  const { rows, signIn } = await look(7, { app: { id: 7, privateKey: { file: other } } })
  expect(rows.get('app')).toMatchObject({
    status: 'fail',
    seen: expect.stringContaining('GitHub refused the App'),
    next: expect.stringContaining('belong to the same App'),
  })
  expect(signIn.warnings).toEqual([expect.stringContaining(`chmod 600 ${other}`)])
  await writeFile(other, 'no key')
  await expect(look(7, { app: { id: 7, privateKey: { file: other } } })).rejects.toMatchObject({
    code: 'APP_KEY_INVALID',
  })
})

it('tries live what an App may, and says what it lacks', async () => {
  const { signIn } = await look(7)
  const git = createGit({ processes: at.processes })
  const init = {
    apiUrl: at.server.apiUrl,
    token: await signIn.token('octo/lib', never),
    userAgent: 'test',
    repo: 'octo/lib',
    refPrefix: 'refs/bzzz/claims/',
    dir: at.dir,
  }
  const weak = { login: 'bee[bot]', missing: ['issues'] }
  const refused = await probeLive({ ...init, app: weak }, { git }, never)
  expect(refused.incomplete).toContain('The App bee[bot] cannot write issues of octo/lib.')
  expect(refused.steps).toEqual([])
  const stop = new AbortController()
  const onStep = (title: string) => (title === 'assign oneself' ? stop.abort() : undefined)
  const app = { login: 'bee[bot]', missing: [] }
  const report = await probeLive({ ...init, app }, { git, onStep }, stop.signal)
  expect(report).toMatchObject({ login: 'bee[bot]', incomplete: 'It was stopped.', left: [] })
  expect(report.steps.map(({ id, result }) => `${id} ${result}`)).toEqual(['labels yes'])
})
