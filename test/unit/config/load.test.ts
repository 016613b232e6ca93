import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { assertRunnable, loadConfig, redacted, explainOrigins } from '../../../src/config/index.ts'

let dir: string
let env: Record<string, string>
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'bzzz-config-'))
  env = { HOME: path.join(dir, 'user'), XDG_CONFIG_HOME: path.join(dir, 'xdg') }
})
afterEach(() => rm(dir, { recursive: true }))

const write = async (name: string, text: string | Uint8Array) => {
  const file = path.join(dir, name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, text)
  return file
}
const load = (more: { flags?: object; configFile?: string } = {}) =>
  loadConfig({
    env,
    cwd: dir,
    systemFile: path.join(dir, 'etc/config.yaml'),
    ...more,
    flags: { ...more.flags },
  })

describe('loadConfig', () => {
  it('has a default for everything', async () => {
    const { config, origin, files, warnings } = await load()
    expect(files).toEqual([])
    expect(warnings).toEqual([])
    expect(new Set(origin.values())).toEqual(new Set(['default']))
    expect(config.name).toMatch(/^[A-Za-z0-9]/)
    expect(config.home).toBe(path.join(dir, 'user/.local/state/bzzz'))
    expect(config.api.socket).toBeUndefined()
    expect(config.github).toMatchObject({
      apiUrl: 'https://api.github.com',
      repos: [],
      pollMs: 30_000,
      labels: { trigger: 'bzzz', failed: 'bzzz:failed' },
      claims: { refPrefix: 'refs/bzzz/claims/', leaseMs: 1_800_000, staggerMs: 1_000 },
      branchPrefix: 'bzzz/issue-',
      maxAttempts: 3,
    })
    expect(config.mesh).toMatchObject({
      name: 'bzzz',
      listen: ['/ip4/0.0.0.0/tcp/0'],
      mdns: { enabled: true, interfaces: [] },
      dht: { enabled: true, bootstrap: [] },
    })
    expect(config.work).toMatchObject({ slots: 1, executors: [], use: 'auto', tags: [] })
    expect(config.roles).toEqual(['worker'])
  })

  it('takes flags over env over ./bzzz.yaml over the user’s over the system’s file', async () => {
    const names = ['name', 'log.level', 'mesh.name', 'github.pollMs', 'work.slots', 'github.repos']
    await write(
      'etc/config.yaml',
      'name: etc\nmesh: {name: etc}\nwork: {slots: 2}\nlog: {level: warn}\ngithub: {repos: [e/e, e/f], pollMs: 1000}\n',
    )
    await write(
      'xdg/bzzz/config.yaml',
      'name: xdg\nmesh: {name: xdg}\nlog: {level: error}\ngithub:\n  repos: [x/x]\n',
    )
    await write('bzzz.yaml', '\nname: here\nmesh:\n  name: here\n')
    env.BZZZ_NAME = 'env'
    env.BZZZ_LOG_LEVEL = 'debug'
    const { config, origin, files } = await load({ flags: { name: 'flag' } })
    expect([
      config.name,
      config.log.level,
      config.mesh.name,
      config.github.pollMs,
      config.work.slots,
      config.github.repos,
    ]).toEqual(['flag', 'debug', 'here', 1000, 2, ['x/x']])
    expect(names.map((name) => origin.get(name))).toEqual([
      'flag --name',
      'env BZZZ_LOG_LEVEL',
      'file ./bzzz.yaml:4',
      'file ./etc/config.yaml:5',
      'file ./etc/config.yaml:3',
      'file ./xdg/bzzz/config.yaml:5',
    ])
    expect(files).toEqual(
      ['bzzz.yaml', 'xdg/bzzz/config.yaml', 'etc/config.yaml'].map((name) => path.join(dir, name)),
    )
  })

  it('finds the key of a model beside the file that names it', async () => {
    const chat =
      '{kind: chat, name: lab, url: https://lab.example.org/v1, model: m, apiKey: {file: key}}'
    const file = await write('other/o.yaml', `work: {executors: [${chat}, {kind: mock, name: x}]}`)
    const { config } = await load({ configFile: file })
    expect(config.work.executors[0]).toMatchObject({
      apiKey: { file: path.join(dir, 'other/key') },
      maxOutputTokens: 4_096,
    })
  })

  it('reads only the file that --config names', async () => {
    await write('bzzz.yaml', 'name: here')
    const file = await write('other/o.yaml', 'home: state\ngithub: {token: {file: ~/t}}')
    const { config, origin, files } = await load({ configFile: 'other/o.yaml' })
    expect(files).toEqual([file])
    expect(origin.get('name')).toBe('default')
    expect(config.home).toBe(path.join(dir, 'other/state'))
    expect(config.github.token).toEqual({ file: path.join(dir, 'user/t') })
    await expect(load({ configFile: 'none.yaml' })).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      data: { file: path.join(dir, 'none.yaml') },
    })
  })

  it('reads lists, numbers, switches and structures from the environment', async () => {
    Object.assign(env, {
      BZZZ_GITHUB_REPOS: 'a/b, c/d',
      BZZZ_GITHUB_POLL_MS: '250',
      BZZZ_MESH_MDNS_ENABLED: 'off',
      BZZZ_WORK_USE: 'claude,command',
      BZZZ_WORK_EXECUTORS: '[{"name":"c","kind":"acp","command":["c"]}]',
      BZZZ_HOME: 'state',
      BZZZ_LOG_LEVEL: '',
    })
    const { config } = await load()
    expect(config.github.repos).toEqual(['a/b', 'c/d'])
    expect(config.github.pollMs).toBe(250)
    expect(config.mesh.mdns.enabled).toBe(false)
    expect(config.work.use).toEqual(['claude', 'command'])
    expect(config.work.executors).toEqual([
      { name: 'c', kind: 'acp', command: ['c'], home: 'temporary', passEnv: [], models: [] },
    ])
    expect(config.home).toBe(path.join(dir, 'state'))
    expect(config.log.level).toBe('info')
  })

  it('warns of variables that look like ours, but not of the token’s', async () => {
    Object.assign(env, { BZZZ_GITHUB_REPO: 'a/b', BZZZ_GITHUB_TOKEN: 'tok', OTHER: '1' })
    const { warnings } = await load()
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('Did you mean BZZZ_GITHUB_REPOS?')
    expect(warnings[0]).not.toContain('a/b')
  })

  it('accepts nested flags and text in flags', async () => {
    const { config, origin } = await load({
      flags: { github: { repos: ['a/b'] }, 'work.slots': '3', home: undefined },
    })
    expect(config.github.repos).toEqual(['a/b'])
    expect(config.work.slots).toBe(3)
    expect(origin.get('github.repos')).toBe('flag --github-repos')
    expect(origin.get('home')).toBe('default')
  })

  it('replaces a secret reference as a whole and cuts the slash of URLs', async () => {
    await write('etc/config.yaml', 'github: {token: {file: /t}}')
    await write('bzzz.yaml', 'github: {token: {env: T}, apiUrl: "https://ghes/api/v3/"}')
    const { config } = await load()
    expect(config.github.token).toEqual({ env: 'T' })
    expect(config.github.apiUrl).toBe('https://ghes/api/v3')
  })

  it('takes an App from several places, and means its files from where they stand', async () => {
    await write('etc/config.yaml', 'github: {webhooks: {secret: {file: hook}}}')
    await write('bzzz.yaml', 'github: {app: {privateKey: {file: app.pem}}}')
    Object.assign(env, { BZZZ_GITHUB_APP_ID: '12', BZZZ_GITHUB_WEBHOOKS_LISTEN: '[::1]:0' })
    const { config, warnings } = await load()
    expect(config.github.app).toMatchObject({
      id: 12,
      privateKey: { file: path.join(dir, 'app.pem') },
    })
    expect(config.github.webhooks).toEqual({
      listen: '[::1]:0',
      secret: { file: path.join(dir, 'etc/hook') },
      path: '/webhook',
    })
    expect(warnings).toEqual([])
    env['BZZZ_GITHUB_APP_ID'] = 'Iv23liABCDEFGHIJ'
    const client = await load()
    expect(client.config.github.app.id).toBe('Iv23liABCDEFGHIJ')
  })

  it('refuses a socket path that no system takes', async () => {
    await write('bzzz.yaml', 'api: {socket: s/a.sock}')
    expect((await load()).config.api.socket).toBe(path.join(dir, 's/a.sock'))
    await write('bzzz.yaml', `api: {socket: ${'s'.repeat(100)}}`)
    await expect(load()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      data: { problems: [{ source: 'file ./bzzz.yaml:1:7', path: 'api.socket' }] },
    })
  })

  it('needs a repository only for a worker that is to run', async () => {
    const alone = await load()
    expect(() => assertRunnable(alone)).toThrowError(
      /github.repos.*no configuration file|no configuration file.*github.repos/s,
    )
    expect(() =>
      assertRunnable({ ...alone, config: { ...alone.config, roles: ['observer'] } }),
    ).not.toThrow()
    assertRunnable(await load({ flags: { 'github.repos': 'a/b' } }))
  })

  it('explains every option and copies the configuration for show', async () => {
    const loaded = await load({ flags: { name: 'fox' } })
    const rows = explainOrigins(loaded)
    expect(rows[0]).toEqual({ path: 'name', value: 'fox', origin: 'flag --name' })
    expect(rows.map((row) => row.path)).toEqual([...loaded.origin.keys()])
    expect(rows.find((row) => row.path === 'api.socket')?.value).toBe(loaded.config.api.socket)
    const copy = redacted(loaded.config)
    expect(copy).toEqual(loaded.config)
    copy.github.repos.push('x/y')
    expect(loaded.config.github.repos).toEqual([])
  })
})
