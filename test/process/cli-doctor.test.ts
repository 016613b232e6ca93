/** `bzzz doctor` as a person types it: the real command against a real forge. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createApi } from '../../src/api/index.ts'
import { nullLogger, until } from '../../src/util/index.ts'
import { fakeSources } from '../unit/api/fixture.ts'
import { site, type Site } from '../unit/forge/helper.ts'
import { place, type Place } from './cli-harness.ts'

interface Row {
  id: string
  status: string
  seen: string
  next: string | null
}

let forge: Site
let at: Place
beforeAll(async () => {
  forge = await site()
  at = await place()
})
afterAll(async () => {
  await at.cleanup()
  await forge.close()
})
beforeEach(() => configure())

const configure = (github: object = {}, login = 'ada') =>
  writeFile(
    join(at.dir, 'bzzz.yaml'),
    JSON.stringify({
      mesh: { mdns: { enabled: true } },
      github: {
        apiUrl: forge.server.apiUrl,
        repos: ['octo/lib'],
        token: { env: 'THE_TOKEN' },
        ...github,
      },
    }),
  ).then(() => void (token = `token-${login}`))
let token = ''
const run = (...args: string[]) => at.start(args, { env: { THE_TOKEN: token } }).ended
async function checks() {
  const { code, stdout, stderr } = await run('doctor', '--json')
  expect(stdout + stderr).not.toContain(token)
  const { checks: rows, ok } = JSON.parse(stdout) as { checks: Row[]; ok: boolean }
  expect(code).toBe(ok ? 0 : 1)
  return {
    ok,
    of: (id: string) => rows.find((row) => row.id === id),
    ids: rows.map(({ id }) => id),
  }
}

describe('bzzz doctor', () => {
  it('says what holds and what to type, without an agent', async () => {
    await forge
      .as('root')
      .rest.issues.createLabel({ owner: 'octo', repo: 'lib', name: 'bzzz', color: 'ffffff' })
    const { ok, of, ids } = await checks()
    expect(ok).toBe(true)
    const wanted =
      'node git home storage config membership network multicast bootstrap executors sandbox agent reach relay mdns dht upnp github clock token rate-limit repo:octo/lib claims:octo/lib'
    expect(ids).toEqual(wanted.split(' '))
    expect(of('token')?.seen).toContain('env THE_TOKEN: ada')
    expect(of('clock')).toMatchObject({ status: 'ok' })
    expect(of('repo:octo/lib')).toMatchObject({
      status: 'ok',
      seen: 'octo/lib, default branch main',
    })
    expect(of('claims:octo/lib')).toMatchObject({ status: 'ok', seen: 'none' })
    const shown = await run('doctor')
    expect(shown.stdout).toContain(`${ids.length} checks: 0 failed`)
  })

  it('names a claim ref that holds garbage, and what clears it', async () => {
    const clone = await forge.clone('ada')
    await forge.git(
      clone,
      'push',
      '-q',
      'origin',
      'HEAD:refs/bzzz/claims/12',
      'HEAD:refs/bzzz/claims/x',
    )
    const { ok, of } = await checks()
    expect(ok).toBe(false)
    const row = of('claims:octo/lib')
    expect(row?.status).toBe('fail')
    expect(row?.seen).toMatch(/refs\/bzzz\/claims\/12 \([0-9a-f]{12}, a commit of 20\d\d-/)
    expect(row?.next).toMatch(/git push origin :refs\/bzzz\/claims\/12 :refs\/bzzz\/claims\/x$/)
    await forge.git(clone, 'push', '-q', 'origin', ':refs/bzzz/claims/12', ':refs/bzzz/claims/x')
    expect((await checks()).of('claims:octo/lib')?.status).toBe('ok')
  })

  it('fails for a home that others read, a reader’s token, and repositories that are none', async () => {
    await forge.server.createRepository({ owner: 'octo', name: 'empty' })
    await configure({ repos: ['octo/lib', 'octo/gone', 'octo/empty'], paused: ['octo/lib'] })
    await mkdir(join(at.dir, 'home'))
    await chmod(join(at.dir, 'home'), 0o755)
    const { ok, of } = await checks()
    expect(ok).toBe(false)
    expect(of('home')).toMatchObject({ status: 'warn', next: expect.stringContaining('chmod 700') })
    expect(of('repo:octo/lib')).toMatchObject({
      status: 'warn',
      next: expect.stringContaining('github.paused'),
    })
    expect(of('repo:octo/gone')).toMatchObject({ status: 'fail' })
    expect(of('claims:octo/gone')).toMatchObject({ status: 'skip' })
    expect(of('repo:octo/empty')).toMatchObject({ status: 'fail', seen: 'octo/empty is empty' })
    await configure({}, 'rob')
    expect((await checks()).of('repo:octo/lib')).toMatchObject({
      status: 'fail',
      seen: 'the token of rob may not write contents, issues, pulls of octo/lib',
    })
    await configure({}, 'mallory')
    expect((await checks()).of('github')).toMatchObject({ status: 'fail' })
  })

  it('tells of a running agent', async () => {
    const api = createApi({ home: join(at.dir, 'home') }, fakeSources(), { logger: nullLogger })
    await api.start()
    const { of } = await checks()
    await api.stop()
    expect(of('agent')?.seen).toContain('peers connected')
    expect(of('agent')?.status).toBe('ok')
  })

  it('names webhooks that a running agent refused', async () => {
    const sources = fakeSources()
    const status = sources.status()
    const { webhooks } = status.github
    if (webhooks === null) throw new TypeError('The sample has a receiver.')
    const deliveries = { ...webhooks.deliveries, unsigned: 2 }
    const refusing = {
      ...status,
      github: { ...status.github, webhooks: { ...webhooks, deliveries } },
    }
    const api = createApi(
      { home: join(at.dir, 'home') },
      { ...sources, status: () => refusing },
      { logger: nullLogger },
    )
    await api.start()
    const { of } = await checks()
    await api.stop()
    expect(of('agent')).toMatchObject({ status: 'warn', next: expect.stringContaining('secret') })
    expect(of('agent')?.seen).toContain('2 without a good signature, 0 not understood (1 repeated')
  })

  it('works without a usable configuration or a forge', async () => {
    await configure({ apiUrl: 'http://127.0.0.1:9' })
    expect((await checks()).of('github')).toMatchObject({
      status: 'fail',
      next: expect.any(String),
    })
    await writeFile(join(at.dir, 'bzzz.yaml'), 'github: {repos: nonsense}')
    const { of } = await checks()
    expect(of('config')).toMatchObject({ status: 'fail' })
    expect(of('git')).toMatchObject({ status: 'ok' })
  })
})

describe('bzzz doctor --live', () => {
  it('wants --yes where nobody can be asked, and --live for --yes', async () => {
    const refused = await run('doctor', '--live', 'octo/lib')
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('--yes')
    expect(await run('doctor', '--yes')).toMatchObject({ code: 2 })
  })

  it('takes away what it made on Ctrl-C, and says so', async () => {
    const running = at.start(['doctor', '--live', 'octo/lib', '--yes'], {
      env: { THE_TOKEN: token },
    })
    await until('it pushes', 40_000, () =>
      running.stderr.includes('git push, refs/bzzz/claims/: move'),
    )
    running.child.kill('SIGINT')
    const { code, stdout, stderr } = await running.ended
    expect(code).toBe(130)
    expect(stdout).toContain('Not finished: It was stopped.')
    expect(stdout).not.toContain('Left behind')
    expect(stdout + stderr).not.toContain(token)
    const refs = await forge.git(at.dir, 'ls-remote', forge.remote('ada'))
    expect(refs.stdout).not.toContain('doctor')
    const { data } = await forge.as('ada').rest.issues.listForRepo({ owner: 'octo', repo: 'lib' })
    expect(data).toEqual([])
  })
})
