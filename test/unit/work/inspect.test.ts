import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PRESETS, presetExecutor, type ExecutorConfigInput } from '../../../src/work/index.ts'
import { createRig, type Rig } from './rig.ts'

let rig: Rig
let bin: string
let home: string
beforeEach(() => {
  rig = createRig()
  bin = join(rig.dir, 'bin')
  home = join(rig.dir, 'user')
  mkdirSync(bin)
  mkdirSync(home)
})
afterEach(async () => {
  expect(rig.processes.list()).toEqual([])
  await rig.close()
})

const put = (at: string, text: string) => {
  mkdirSync(dirname(at), { recursive: true })
  writeFileSync(at, text)
  chmodSync(at, 0o755)
}
const program = (name: string, script = 'exit 0') => put(join(bin, name), `#!/bin/sh\n${script}\n`)
const preset = (name: string) => presetExecutor(name) ?? { name, kind: 'mock' as const }
async function inspect(executors: ExecutorConfigInput[], variables: Record<string, string> = {}) {
  const path = bin
  const work = await rig.work(executors, {
    path,
    variables,
    userHome: home,
    ollamaUrl: 'http://127.0.0.1:1',
  })
  return work.inspect()
}
const one = async (executor: ExecutorConfigInput, variables = {}) =>
  (await inspect([executor], variables))[0]

describe('inspect', () => {
  it('says what is missing and what to type, also of agents that are not configured', async () => {
    const all = await inspect([preset('claude'), { name: 'command', kind: 'command' }])
    expect(all.map(({ name }) => name)).toEqual([
      'claude',
      'command',
      ...PRESETS.map(({ name }) => name).filter((name) => name !== 'claude'),
    ])
    expect(all[0]).toMatchObject({
      found: false,
      usable: false,
      next: 'Type: npm i -g @agentclientprotocol/claude-agent-acp',
    })
    expect(all[1]).toMatchObject({ found: true, usable: true, login: 'none needed' })
    expect(all.at(-1)).toMatchObject({ configured: false, usable: false })
  })

  it('reads the version where the package is, without starting anything', async () => {
    const root = join(rig.dir, 'lib/node_modules/@agentclientprotocol/claude-agent-acp')
    put(
      join(root, 'package.json'),
      '{"name":"@agentclientprotocol/claude-agent-acp","version":"9.8.7"}',
    )
    put(join(root, 'dist/index.js'), '#!/bin/sh\necho started > "$HOME/started"\n')
    symlinkSync(join(root, 'dist/index.js'), join(bin, 'claude-agent-acp'))
    expect(await one(preset('claude'))).toMatchObject({ found: true, version: '9.8.7' })
  })

  it('sees a login by its file, by a variable that is passed on, and by a command', async () => {
    program('claude-agent-acp')
    program('kiro-cli', 'test "$1" != whoami || test -f "$HOME/.signed-in"')
    expect(await one(preset('claude'))).toMatchObject({
      login: process.platform === 'darwin' ? 'unknown' : 'out',
    })
    expect(await one(preset('kiro'))).toMatchObject({ login: 'out', usable: false })
    put(join(home, '.claude/.credentials.json'), '{"secret":"canary"}')
    put(join(home, '.signed-in'), '')
    const claude = await one(preset('claude'))
    expect(claude).toMatchObject({ login: 'in', usable: true })
    expect(JSON.stringify(claude)).not.toContain('canary')
    expect(await one(preset('kiro'))).toMatchObject({ login: 'in', usable: true })
    const alone = { name: 'claude', kind: 'acp' } as const
    const out = await one(alone)
    expect(out).toMatchObject({ usable: process.platform === 'darwin' })
    const passed = { ...alone, passEnv: ['ANTHROPIC_API_KEY'] }
    expect(await one(passed, { ANTHROPIC_API_KEY: 'k' })).toMatchObject({
      login: 'in',
      usable: true,
    })
    expect(await one(passed)).not.toMatchObject({ login: 'in' })
  })

  it('does not know the login of an agent that may keep it elsewhere', async () => {
    program('goose')
    expect(await one(preset('goose'))).toMatchObject({ login: 'unknown', usable: true })
  })
})

describe('presets', () => {
  it('are whole: each says how to get it, to sign in, and where it talks to', () => {
    for (const { install, signIn, login, hosts, signedIn } of PRESETS) {
      expect(install).not.toBe('')
      expect(signIn).not.toBe('')
      expect(login.length).toBeGreaterThan(0)
      expect(login.every((path) => !path.startsWith('/') && !path.includes('..'))).toBe(true)
      expect(hosts.every((host) => /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(host))).toBe(true)
      expect(Object.keys(signedIn).length).toBeGreaterThan(0)
    }
  })
})
