import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, loadConfig, type Problem } from '../../../src/config/index.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'bzzz-config-'))
})
afterEach(() => rm(dir, { recursive: true }))

const env = { HOME: '/nonexistent' }
const file = () => path.join(dir, 'bzzz.yaml')
const load = (more: { env?: Record<string, string>; flags?: Record<string, unknown> } = {}) =>
  loadConfig({
    cwd: dir,
    systemFile: path.join(dir, 'none'),
    ...more,
    env: { ...env, ...more.env },
  })

async function failure(loading: Promise<unknown>): Promise<ConfigError> {
  const error = await loading.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  expect(error).toBeInstanceOf(ConfigError)
  return error as ConfigError
}
async function problems(text: string): Promise<{ all: Problem[]; message: string }> {
  await writeFile(file(), text)
  const error = await failure(load())
  expect(error.code).toBe('CONFIG_INVALID')
  return { all: error.data.problems as Problem[], message: error.message }
}

describe('an invalid configuration', () => {
  it.each([
    ['github: { repos: [octo/lib] \nname: fox\n', [[1, 9, 'the { here is not closed with }']]],
    [
      'github: { repos: [octo/lib\nmesh:\n  name: x\n',
      [
        [1, 18, 'the [ here is not closed with ]'],
        [1, 9, 'the { here is not closed with }'],
      ],
    ],
    ['work: { tags: [a] }\ngithub:\n  repos: [o/r\n', [[3, 10, 'the [ here is not closed with ]']]],
  ])('points at the bracket that nothing closes in %j', async (text, expected) => {
    const { all } = await problems(text)
    expect(all.map(({ line, column, message }) => [line, column, message])).toEqual(expected)
  })

  it('shows the form of a list where a single value stands', async () => {
    const { message } = await problems('github: { repos: octo/lib }')
    expect(message).toContain('[owner/name]')
  })

  it('lists every problem with file, line, column, allowed form and what was meant', async () => {
    const { all, message } = await problems(
      [
        'nme: fox',
        'github:',
        '  repos: [octo/lib, octo]',
        '  pollms: 100',
        '  maxAttempts: three',
        'work:',
        '  executors:',
        '    - {name: c, kind: acp, command: [c], hom: user}',
      ].join('\n'),
    )
    expect(all).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: 'nme', line: 1, column: 1, suggestion: 'name' }),
        expect.objectContaining({ path: 'github.repos[1]', line: 3, column: 21 }),
        expect.objectContaining({
          path: 'github.pollms',
          source: 'file ./bzzz.yaml:4:3',
          suggestion: 'github.pollMs',
        }),
        expect.objectContaining({
          path: 'github.maxAttempts',
          line: 5,
          message: 'expected number, received string',
          allowed: 'a whole number, 1 to 20',
        }),
        expect.objectContaining({ path: 'work.executors[0].hom', line: 8, suggestion: 'home' }),
      ]),
    )
    expect(all.map((problem) => problem.line)).toEqual([1, 3, 4, 5, 8])
    for (const problem of all) expect(message).toContain(`${problem.source}: ${problem.path}: `)
  })

  it('finds an option that stands in the wrong place', async () => {
    const { all } = await problems('repos: [a/b]')
    expect(all).toMatchObject([{ path: 'repos', suggestion: 'github.repos' }])
  })

  it.each([
    ['github: 5', 'github', 'a mapping of options'],
    ['home: /proc/x', 'home', 'not below /proc'],
    ['github:', 'github', 'a mapping of options'],
    ['github: {pollMs: 10}', 'github.pollMs', 'a whole number, 200 to 3600000 (ms)'],
    ['github: {pollMs: 1000.5}', 'github.pollMs', '200 to'],
    ['github: {repos: [a/b, A/B]}', 'github.repos', 'each once'],
    ['github: {repos: [a/..]}', 'github.repos[0]', 'owner/name'],
    ['github: {apiUrl: "http://ghes.example/api/v3"}', 'github.apiUrl', 'https'],
    ['github: {apiUrl: "https://user:pass@ghes/api"}', 'github.apiUrl', 'https'],
    ['github: {token: {file: a, env: B}}', 'github.token', '{gh: true}'],
    ['github: {app: {id: 0}}', 'github.app.id', 'client id'],
    ['github: {app: {id: my-app}}', 'github.app.id', 'client id'],
    ['github: {app: {privateKey: {gh: true}}}', 'github.app.privateKey', '{file: PATH}'],
    ['github: {assignee: "a b"}', 'github.assignee', 'login'],
    ['github: {webhooks: {listen: 8787}}', 'github.webhooks.listen', 'HOST:PORT'],
    ['github: {webhooks: {listen: "a:70000"}}', 'github.webhooks.listen', 'HOST:PORT'],
    ['github: {webhooks: {path: "/a?b"}}', 'github.webhooks.path', '/webhook'],
    ['github: {claims: {refPrefix: refs/heads/../x/}}', 'github.claims.refPrefix', 'refs/'],
    ['github: {branchPrefix: "-x"}', 'github.branchPrefix', 'branch'],
    ['github: {labels: {trigger: "a,b"}}', 'github.labels.trigger', 'comma'],
    ['roles: [worker, observer]', 'roles', '[observer]'],
    ['log: {level: loud}', 'log.level', 'debug'],
    ['mesh: {listen: [/ip4/0.0.0.0/udp/1]}', 'mesh.listen[0]', 'multiaddr'],
    ['mesh: {listen: [/ip4/999.0.0.1/tcp/1]}', 'mesh.listen[0]', 'multiaddr'],
    ['mesh: {listen: [/ip4/0.0.0.0/tcp/65536]}', 'mesh.listen[0]', 'multiaddr'],
    ['mesh: {listen: ["/ip6/1::2::3/tcp/1"]}', 'mesh.listen[0]', 'multiaddr'],
    ['mesh: {announce: [/dns4/a..b/tcp/1]}', 'mesh.announce[0]', 'multiaddr'],
    ['mesh: {announce: [/dns4/-a.b/tcp/1]}', 'mesh.announce[0]', 'multiaddr'],
    ['mesh: {announce: [/ip4/1.2.3.4/tcp/00]}', 'mesh.announce[0]', 'multiaddr'],
    [
      `mesh: {dht: {bootstrap: [/ip4/1.2.3.256/tcp/1/p2p/${'a'.repeat(52)}]}}`,
      'mesh.dht.bootstrap[0]',
      'peer id',
    ],
    ['mesh: {dht: {bootstrap: [/ip4/1.2.3.4/tcp/1]}}', 'mesh.dht.bootstrap[0]', 'peer id'],
    ['work: {use: []}', 'work.use', 'auto'],
    ['work: {executors: [{name: a, kind: magic}]}', 'work.executors[0].kind', 'acp'],
    [
      'work: {executors: [{name: a, kind: acp, command: []}]}',
      'work.executors[0].command',
      'PROGRAM',
    ],
    [
      'work: {executors: [{name: a, kind: chat, model: m, url: "http://192.0.2.1/v1"}]}',
      'work.executors[0].url',
      '',
    ],
    [
      'work: {executors: [{name: a, kind: chat, model: m, url: "https://u:p@example.org"}]}',
      'work.executors[0].url',
      '',
    ],
    ['work: {executors: [{name: a, kind: mock}, {name: A, kind: mock}]}', 'work.executors', ''],
    ['name: "a b"', 'name', '1 to 64'],
    ['"__proto__": {x: 1}', '__proto__', 'name'],
    ['name: a\nname: b', '', ''],
    ['name: [', '', ''],
    ['name: !!magic x', '', ''],
    ['- a', '', 'github'],
    ['just text', '', 'github'],
  ])('refuses %s', async (text, at, allowed) => {
    const { all } = await problems(text)
    expect(all[0]).toMatchObject({ path: at, file: './bzzz.yaml' })
    expect(all[0]?.allowed ?? '').toContain(allowed)
    expect(all[0]?.line).toBeGreaterThan(0)
  })

  it('never repeats a value: it may be a secret in the wrong place', async () => {
    const { message } = await problems(
      'github: {token: ghp_secretvalue, maxAttempts: ghp_secretvalue}',
    )
    expect(message).toContain('github.token')
    expect(message).not.toContain('secretvalue')
    const error = await failure(load({ env: { BZZZ_WORK_SLOTS: 'ghp_secretvalue' } }))
    expect(JSON.stringify([error.message, error.data])).not.toContain('secretvalue')
  })

  it('names the variable and the flag', async () => {
    const error = await failure(load({ env: { BZZZ_WORK_SLOTS: 'x' }, flags: { name: '-' } }))
    expect(error.data.problems).toMatchObject([
      { source: 'flag --name', path: 'name' },
      { source: 'env BZZZ_WORK_SLOTS', path: 'work.slots' },
    ])
  })

  it('reports a mistake in a file even if a flag covers the option', async () => {
    await writeFile(file(), 'work: {slots: 0}')
    const error = await failure(load({ flags: { 'work.slots': 2 } }))
    expect(error.data.problems).toMatchObject([{ path: 'work.slots', line: 1 }])
  })

  it('refuses what is too large, a directory, what is not UTF-8, and alias bombs', async () => {
    await writeFile(file(), `# ${'x'.repeat(1024 * 1024)}`)
    expect((await failure(load())).code).toBe('CONFIG_TOO_LARGE')
    await writeFile(file(), Uint8Array.of(0x6e, 0xff, 0xfe))
    expect((await failure(load())).code).toBe('CONFIG_UNREADABLE')
    await rm(file())
    await mkdir(file())
    expect((await failure(load())).code).toBe('CONFIG_UNREADABLE')
    await rm(file(), { recursive: true })
    const rows = Array.from(
      { length: 9 },
      (_, i) => `k${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`,
    )
    const { all } = await problems(['k0: &a0 [x]', ...rows].join('\n'))
    expect(all[0]?.message).toMatch(/alias/i)
  })

  it('bounds what it lists', async () => {
    const many = Array.from({ length: 500 }, (_, i) => `zz${i}: 1`).join('\n')
    const { all, message } = await problems(many)
    expect(all).toHaveLength(30)
    expect(message).toContain('… and 470 more')
  })

  it('either loads or gives a coded error, whatever the file holds', async () => {
    const key = fc.constantFrom(
      'github',
      'repos',
      'mesh',
      'work',
      'executors',
      'name',
      'x',
      '__proto__',
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }))
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          tree.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        async (text) => {
          await writeFile(file(), text)
          await load().catch((error: unknown) => expect(error).toBeInstanceOf(ConfigError))
        },
      ),
      { numRuns: 150 },
    )
  })
})
