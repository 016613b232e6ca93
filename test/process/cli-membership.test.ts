import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquireHomeLock } from '../../src/api/index.ts'
import { openMembership, readToken } from '../../src/mesh/index.ts'
import { nullLogger, systemClock } from '../../src/util/index.ts'
import { createFounder } from '../members.ts'
import { place, type Ended, type Place } from './cli-harness.ts'

let at: Place
let home: string
beforeEach(async () => {
  at = await place()
  home = join(at.dir, 'home')
})
afterEach(() => at.cleanup())

/** Nothing here leaves the machine, and none of it needs an agent. */
const env = {
  BZZZ_NAME: 'owl',
  BZZZ_MESH_MDNS_ENABLED: 'false',
  BZZZ_MESH_LISTEN: '/ip4/127.0.0.1/tcp/0',
}
const bzzz = (...args: string[]): Promise<Ended> => at.start(args, { env }).ended
const codeOf = ({ stderr }: Ended) =>
  (JSON.parse(stderr) as { error: { code: string; next?: string } }).error.code
const open = () => openMembership({ home, clock: systemClock, logger: nullLogger })

describe('bzzz init', () => {
  it('founds a mesh, says what it made, and prints one line that can be piped', async () => {
    const { code, stdout, stderr } = await bzzz('init', '--name', 'team', '--repo', 'octo/lib')
    expect(code, stderr).toBe(0)
    const [, token = ''] = /^bzzz join (bzzz1\.[\w-]+)\n$/.exec(stdout) ?? []
    expect(readToken(token)).toMatchObject({ meshName: 'team', uses: 1, roles: ['worker'] })
    const [address = ''] = readToken(token).addresses
    const [, port] = /^\/ip4\/127\.0\.0\.1\/tcp\/([1-9]\d+)\/p2p\//.exec(address) ?? []
    // The first start listens where the token says.
    expect(await readFile(join(home, 'listen.json'), 'utf8')).toContain(port)
    expect(stderr).toContain(`Move ${join(home, 'recovery.key')} to a safe place`)
    expect(stderr).not.toContain(token)
    const config = await readFile(join(at.dir, 'bzzz.yaml'), 'utf8')
    expect(config).toContain('repos: [octo/lib]')
    expect((await bzzz('config', 'validate')).code).toBe(0)

    const again = await bzzz('init', '--json')
    expect([again.code, codeOf(again)]).toEqual([1, 'MESH_EXISTS'])
  })

  it('overwrites no configuration, and works in no home that is in use', async () => {
    const lock = await acquireHomeLock(home)
    expect(codeOf(await bzzz('init', '--json'))).toBe('HOME_IN_USE')
    await lock.release()
    expect(await open()).toBeUndefined()
    const file = join(at.dir, 'bzzz.yaml')
    await writeFile(file, 'mesh: { name: mine }\n')
    const { stdout, stderr } = await bzzz('init', '--repo', 'octo/lib', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      meshName: 'mine',
      name: 'owl',
      config: { wrote: null, kept: file },
    })
    expect(stderr).toBe('')
    expect(await readFile(file, 'utf8')).toBe('mesh: { name: mine }\n')
  })
})

describe('bzzz invite and peers rotate, where no agent runs', () => {
  it('work on the home', async () => {
    expect(codeOf(await bzzz('invite', '--json'))).toBe('MESH_NONE')
    await bzzz('init')
    const options = ['--uses', 'any', '--ttl', 'never', '--role', 'observer']
    const { stdout } = await bzzz('-q', 'invite', ...options)
    expect(stdout).toMatch(/^bzzz1\.[\w-]+\n$/)
    const view = { uses: null, expiresAt: null, roles: ['observer'] }
    expect(readToken(stdout.trim())).toMatchObject(view)
    const made = await bzzz('invite', '--ttl', '2h', '--json')
    const { id, token, command } = JSON.parse(made.stdout) as Record<string, string>
    expect(command).toBe(`bzzz join ${token}`)
    expect((await bzzz('invite', 'revoke', id!.slice(0, 8))).code).toBe(0)
    const list = (await bzzz('invite', 'ls')).stdout
    expect(list).toMatch(/^\w{12} +observer +any +for ever$/m)
    expect(list).toMatch(/^\w{12} +worker +1 +revoked$/m)
    expect(codeOf(await bzzz('invite', 'revoke', 'ffffffff', '--json'))).toBe('INVITE_UNKNOWN')

    const rotate = ['peers', 'rotate', '--recovery', 'home/recovery.key']
    expect(await bzzz(...rotate)).toMatchObject({ code: 2 })
    const rotated = await bzzz(...rotate, '--yes', '--json')
    expect(JSON.parse(rotated.stdout)).toMatchObject({ epoch: 1 })
    expect((await open())?.holdsRoot).toBe(true)
    expect(codeOf(await bzzz('peers', 'rotate', '--recovery', 'none', '--yes', '--json'))).toBe(
      'KEY_MISSING',
    )
  })

  it('are refused to who is no signer', async () => {
    const founder = await createFounder(at.dir, 'team')
    await founder.admit(home, 'owl', ['worker'])
    expect(codeOf(await bzzz('invite', '--json'))).toBe('NOT_SIGNER')
  })
})

describe('bzzz join', () => {
  it('leaves a mesh with others in it only when that is said', async () => {
    const founder = await createFounder(at.dir, 'team')
    await founder.admit(home, 'owl', ['worker'])
    const other = await createFounder(at.dir, 'other')
    const peerId = other.membership.peerId
    const addresses = [`/ip4/127.0.0.1/tcp/9/p2p/${peerId}`]
    const { token } = await other.membership.invite({ addresses })
    const refused = await bzzz('join', token, '--json')
    expect([refused.code, codeOf(refused)]).toEqual([1, 'MESH_HAS_OTHERS'])
    // Nobody answers: the home is as it was.
    const late = await bzzz('join', token, '--leave', '--timeout', '1', '--json')
    expect([late.code, codeOf(late)]).toEqual([75, 'JOIN_TIMEOUT'])
    expect((await open())?.meshName).toBe('team')
    expect(late.stderr).not.toContain(token)
    expect((await readdir(home)).filter((name) => name.startsWith('left'))).toEqual([])
  })

  it.each([
    [['bzzz1.AAAA'], 'TOKEN_MALFORMED'],
    [['--token-file', '-'], 'TOKEN_UNREADABLE'],
    [['--address', '192.0.2.7'], 'USAGE'],
    // Nobody is there to compare the words.
    [[], 'USAGE'],
  ])('gives 2 for %j: %s', async (args, code) => {
    const ended = await bzzz('join', ...args, '--json')
    expect([ended.code, codeOf(ended)]).toEqual([2, code])
    expect(await open()).toBeUndefined()
  })
})

it('does not start as a worker what was admitted as an observer', async () => {
  const founder = await createFounder(at.dir, 'team')
  await founder.admit(home, 'owl', ['observer'])
  const started = at.start(['up', '--repo', 'octo/lib', '--json'], {
    env: { ...env, GITHUB_TOKEN: 'token-of-nobody' },
  })
  const { code, stderr } = await started.ended
  expect(code).toBe(1)
  expect(stderr).toMatch(/"code":"ROLE_NOT_GRANTED".*roles: \[observer\]/)
})
