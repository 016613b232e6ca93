import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { assertUsable, checkConfig } from '../../../src/agent/check-config.ts'
import { loadConfig } from '../../../src/config/index.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-check-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function load(...lines: string[]) {
  await writeFile(join(dir, 'bzzz.yaml'), ['github: { repos: [o/r] }', ...lines].join('\n'))
  return loadConfig({ env: { HOME: dir }, cwd: dir, systemFile: join(dir, 'none') })
}
const found = async (...lines: string[]) => checkConfig(await load(...lines), {})

describe('executors', () => {
  it('of an unknown agent need a command; what a chore may see is no secret', async () => {
    const loaded = await load(
      'work:',
      '  executors:',
      '    - { name: mine, kind: acp }',
      '    - { name: claude, kind: acp }',
      '    - { name: sh, kind: command, passEnv: [LANG, MY_TOKEN] }',
    )
    await expect(assertUsable(loaded)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      data: {
        problems: [
          {
            path: 'work.executors[0].command',
            file: './bzzz.yaml',
            line: 4,
            column: 7,
            message: expect.stringContaining('is needed'),
            allowed: expect.stringContaining('Agent Client Protocol'),
          },
          { path: 'work.executors[2].passEnv[1]', line: 6, column: 50 },
        ],
      },
    })
  })

  it('that `work.use` names must be there', async () => {
    const { problems } = await found('work: { use: [command, cluade] }')
    expect(problems).toMatchObject([
      { path: 'work.use[1]', line: 2, column: 24, allowed: expect.stringContaining('claude') },
    ])
    expect(await found('work: { use: [command, claude] }')).toEqual({ problems: [], warnings: [] })
  })
})

it('warns of places to read that are not there', async () => {
  const { problems, warnings } = await found('work: { readable: [., ./gone] }')
  expect(problems).toEqual([])
  expect(warnings).toEqual([
    expect.stringMatching(/bzzz\.yaml:2:23 work\.readable\[1\]: .*gone is not/),
  ])
})

it('warns of a secret that others can read', async () => {
  await writeFile(join(dir, 'token'), 'secret', { mode: 0o644 })
  await writeFile(join(dir, 'bzzz.yaml'), 'github: { repos: [o/r], token: { file: token } }')
  const loaded = await loadConfig({ env: { HOME: dir }, cwd: dir, systemFile: join(dir, 'none') })
  const { problems, warnings } = await checkConfig(loaded, {})
  expect(problems).toEqual([])
  expect(warnings).toEqual([
    expect.stringMatching(
      /yaml:\S* github\.token: Others can read .*; type: chmod 600 \S*\/token$/,
    ),
  ])
})

describe('permissions', () => {
  const lines = ['work:', '  permissions: rules.yaml']

  it('that cannot be read are told at the option', async () => {
    const { problems } = await found(...lines)
    expect(problems).toMatchObject([{ path: 'work.permissions', line: 3, column: 3 }])
    expect(problems[0]?.message).toMatch(/rules\.yaml, which cannot be read: there is no such file/)
  })

  it.each<[string, number, number, string, RegExp]>([
    ['rules:\n  - alow: {}\n', 2, 5, 'rules[0].alow', /Did you mean allow\?|unknown option/],
    ['rules:\n  - allow: { kind: reed }\n', 2, 14, 'rules[0].allow.kind', /wrong form/],
    ['rules:\n  - allow: { knd: read }\n', 2, 14, 'rules[0].allow.knd', /unknown option/],
    ['default: maybe\n', 1, 1, 'default', /expected one of|nvalid option/],
    ['rules: [\n', 1, 8, '', /not closed/],
  ])('are told at their place: %j', async (text, line, column, path, message) => {
    await writeFile(join(dir, 'rules.yaml'), text)
    const { problems } = await found(...lines)
    expect(problems).toMatchObject([{ file: join(dir, 'rules.yaml'), line, column, path }])
    expect(problems[0]?.message).toMatch(message)
    expect(JSON.stringify(problems)).not.toContain('invalid_')
  })

  it('are told with all that is wrong', async () => {
    await writeFile(join(dir, 'rules.yaml'), 'rules:\n  - alow: {}\ndefault: maybe\n')
    const { problems } = await found(...lines)
    expect(problems.map(({ path }) => path)).toEqual(['rules[0].alow', 'default'])
  })

  it('are no matter to an observer', async () => {
    expect((await found(...lines, 'roles: [observer]')).problems).toEqual([])
  })
})

describe('secrets that the configuration names', () => {
  it('must be there where they are files', async () => {
    await writeFile(join(dir, 'key.pem'), 'no key\n', { mode: 0o600 })
    await writeFile(join(dir, 'empty'), '\n', { mode: 0o600 })
    const { problems, warnings } = await found(
      '  ',
      'mesh: { join: { file: gone } }',
      'work:',
      '  executors:',
      '    - { kind: chat, name: m, url: http://127.0.0.1:1/v1, model: m, apiKey: { file: empty } }',
      '    - { kind: chat, name: n, url: http://127.0.0.1:1/v1, model: m, apiKey: { env: NOT_SET } }',
    )
    expect(problems).toMatchObject([{ path: 'work.executors[0].apiKey', line: 6, column: 68 }])
    expect(problems[0]?.message).toContain('is empty')
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toMatch(/^\.\/bzzz\.yaml:3:9 mesh\.join: There is no token/)
    expect(warnings[1]).toContain('export NOT_SET')
  })

  it('hold an App’s key, a token to join', async () => {
    await writeFile(join(dir, 'key.pem'), 'no key\n', { mode: 0o600 })
    await writeFile(join(dir, 'join'), 'bzzz join nonsense\n', { mode: 0o600 })
    const file = join(dir, 'bzzz.yaml')
    await writeFile(
      file,
      'github: { repos: [o/r], app: { id: 7, privateKey: { file: key.pem } } }\nmesh: { join: { file: join } }\n',
    )
    const loaded = await loadConfig({ env: { HOME: dir }, cwd: dir, configFile: file })
    const { problems, warnings } = await checkConfig(loaded, {})
    expect(problems).toMatchObject([{ path: 'github.app.privateKey', line: 1 }])
    expect(problems[0]?.message).toContain('no RSA private key')
    expect(warnings.join()).toContain('mesh.join')
    expect(JSON.stringify([problems, warnings])).not.toMatch(/no key\\n|nonsense/)
  })
})
