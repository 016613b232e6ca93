import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  leaveMesh,
  type MeshError,
  openMembership,
  readToken,
  type Membership,
} from '../../../../src/mesh/index.ts'
import type { Logger } from '../../../../src/util/index.ts'
import { address, codeOf, createWorld, sync, wire, type World } from './support.ts'

let world: World
let ada: Membership
const file = (name: string) => join(world.home('ada'), name)
const open = () => openMembership({ home: world.home('ada'), ...world.common })
beforeEach(async () => {
  world = await createWorld()
  ada = await world.found()
})
afterEach(() => world.close())

test('all files are 0600, and nothing else is left behind', async () => {
  await ada.invite({ addresses: [address] })
  const names = (await readdir(world.home('ada'))).sort()
  expect(names).toEqual([
    'identity.key',
    'invites.json',
    'membership.json',
    'mesh.key',
    'recovery.key',
  ])
  for (const name of names) expect((await stat(file(name))).mode & 0o777).toBe(0o600)
})

test('founding twice is told as such, and changes nothing', async () => {
  const before = await readFile(file('membership.json'), 'utf8')
  expect(await codeOf(() => world.found())).toBe('MESH_EXISTS')
  expect(await readFile(file('membership.json'), 'utf8')).toBe(before)
  const twice = await Promise.allSettled([world.found('zoe'), world.found('zoe')])
  expect(twice.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('founding goes on after a crash with the keys that are there', async () => {
  const key = await readFile(file('mesh.key'), 'utf8')
  await rm(file('membership.json'))
  expect((await world.found()).holdsRoot).toBe(true)
  expect(await readFile(file('mesh.key'), 'utf8')).toBe(key)
  await rm(file('membership.json'))
  await rm(file('mesh.key'))
  expect((await world.found()).holdsRoot).toBe(true)
  expect(await readFile(file('mesh.key'), 'utf8')).toBe(key)
  await rm(file('membership.json'))
  await rename(file('recovery.key'), join(world.root, 'safe'))
  expect(await codeOf(() => world.found())).toBe('MEMBERSHIP_CORRUPT')
})

test.each(['mesh.key', 'recovery.key'])(
  'a %s that others may read is refused with what to type',
  async (name) => {
    await chmod(file(name), 0o640)
    const error = await open().then(
      () => undefined,
      (thrown: unknown) => thrown as MeshError,
    )
    expect(error).toMatchObject({ code: 'KEY_MODE', data: { path: file(name), mode: 0o640 } })
    expect(error?.next).toContain(`chmod 600 ${file(name)}`)
  },
)

test('a damaged mesh key is named and kept; a damaged recovery key stops nothing yet', async () => {
  const [, secret] = (await readFile(file('mesh.key'), 'utf8')).split('\n')
  await writeFile(file('recovery.key'), 'x')
  expect((await open())?.holdsRoot).toBe(true)
  await writeFile(file('mesh.key'), `-----BEGIN PRIVATE KEY-----\n${secret!.slice(0, 30)}`)
  const error = await open().catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'KEY_CORRUPT' })
  expect(inspect(error, { depth: 9 })).not.toContain(secret!.slice(0, 30))
})

test.each<[string, (text: string) => string]>([
  ['empty', () => ''],
  ['cut', (text) => text.slice(0, -20)],
  ['of no statements', () => '{"v":1,"statements":[],"carry":[]}'],
  ['of another version', (text) => text.replace('"v":1}', '"v":2}')],
  [
    'changed in a role',
    (text) => text.replace('"roles":["signer","worker"]', '"roles":["signer"]'),
  ],
  ['changed in the genesis', (text) => text.replace('"name":"demo"', '"name":"demi"')],
  [
    'with a statement of another',
    (text) => text.replace('"statements":[', '"statements":[{"kind":"genesis"},'),
  ],
])('a membership.json that is %s is refused and kept as it is', async (_what, damage) => {
  const text = damage(await readFile(file('membership.json'), 'utf8'))
  await writeFile(file('membership.json'), text)
  const error = await open().then(
    () => undefined,
    (thrown: unknown) => thrown as MeshError,
  )
  expect(error).toMatchObject({
    code: 'MEMBERSHIP_CORRUPT',
    data: { path: file('membership.json') },
  })
  expect(error?.next).toContain(file('membership.json'))
  expect(await codeOf(() => world.found())).toBe('MEMBERSHIP_CORRUPT')
  expect(await codeOf(() => world.joiner('ada'))).toBe('MEMBERSHIP_CORRUPT')
  expect(await readFile(file('membership.json'), 'utf8')).toBe(text)
})

test('a damaged invites.json is refused and kept as it is', async () => {
  await writeFile(file('invites.json'), '{"v":1')
  expect(await codeOf(open)).toBe('MEMBERSHIP_CORRUPT')
  expect(await readFile(file('invites.json'), 'utf8')).toBe('{"v":1')
})

test('a clock that was set back since stops nothing', async () => {
  const bob = await world.admit('bob', ada)
  world.clock.jump(-24 * 60 * 60_000)
  const again = await open()
  expect([again?.standing(ada.peerId), again?.standing(bob.peerId)]).toEqual(['member', 'member'])
})

test('a membership that cannot be read is told from none', async () => {
  await rm(file('membership.json'))
  await mkdir(file('membership.json'))
  expect(await codeOf(open)).toBe('MEMBERSHIP_UNREADABLE')
})

test('a home that cannot be written: what was merged counts, and is written when it can be', async () => {
  const bob = await world.admit('bob', ada)
  const home = world.home('bob')
  await ada.remove('bob')
  // A directory in the place of the file: nothing can be renamed over it, not even by root.
  await rename(join(home, 'membership.json'), join(home, 'aside'))
  await mkdir(join(home, 'membership.json', 'full'), { recursive: true })
  expect(await codeOf(() => bob.merge(wire(ada.statements())))).toBe('MEMBERSHIP_UNWRITABLE')
  expect(bob.standing(bob.peerId)).toBe('removed')
  expect(await codeOf(() => bob.flush())).toBe('MEMBERSHIP_UNWRITABLE')
  await rm(join(home, 'membership.json'), { recursive: true })
  await bob.renew(() => true)
  const again = await openMembership({ home, ...world.common })
  expect(again?.standing(bob.peerId)).toBe('removed')
  expect((await readdir(home)).sort()).toEqual(['aside', 'identity.key', 'membership.json'])
})

test('a signer that cannot write admits nobody, and asks to try again', async () => {
  const { token } = await ada.invite({ addresses: [address] })
  await rm(file('invites.json'))
  await mkdir(join(file('invites.json'), 'full'), { recursive: true })
  expect(await world.attempt('bob', ada, { token })).toMatchObject({
    code: 'JOIN_BUSY',
    final: false,
  })
  expect(ada.members()).toHaveLength(1)
  await rm(file('invites.json'), { recursive: true })
  expect((await world.attempt('bob', ada, { token })).is).toBe('joined')
})

test('a hundred merges at once are few writes, and the last state is on disk', async () => {
  const bob = await world.admit('bob', ada)
  const made: Promise<unknown>[] = []
  for (let n = 0; n < 20; n += 1) {
    await ada.revokeInvite(n.toString(16).padStart(32, '0'))
    made.push(bob.merge(wire(ada.statements())))
  }
  await Promise.all(made)
  await bob.flush()
  const again = await openMembership({ home: world.home('bob'), ...world.common })
  expect(again?.digest()).toBe(ada.digest())
})

test('leaving moves all but the identity aside', async () => {
  await ada.invite({ addresses: [address] })
  const place = (await leaveMesh({ home: world.home('ada'), clock: world.clock }))!
  expect((await readdir(place)).sort()).toEqual([
    'invites.json',
    'membership.json',
    'mesh.key',
    'recovery.key',
  ])
  expect(await open()).toBeUndefined()
  expect(await leaveMesh({ home: world.home('ada'), clock: world.clock })).toBeUndefined()
  expect((await world.found()).peerId).toBe(ada.peerId)
})

test('no secret is in logs, errors, answers, statements, views or other files', async () => {
  const lines: string[] = []
  const log = (fields: object, message: string) =>
    void lines.push(inspect(fields, { depth: 9 }) + message)
  const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger }
  const home = world.home('ada')
  const one = (await openMembership({ home, clock: world.clock, logger }))!
  const seen: unknown[] = []
  const { token, ...view } = await one.invite({ addresses: [address], roles: ['signer'] })
  const bob = await world.joiner('bob', { token, logger })
  const message = await bob.message(one.peerId)
  const answer = await one.answer(wire(message), { peerId: bob.peerId })
  const step = await bob.accept(wire(answer), one.peerId)
  if (step.is !== 'joined') throw new Error(step.is)
  await sync(one, step.membership)
  await world.attempt('eve', one, { token, logger }).then((refused) => seen.push(refused))
  await one.rotate(join(home, 'recovery.key')).then((rotated) => seen.push(rotated))
  await one.remove('bob')
  seen.push(view, bob, message, answer, step, readToken(token), one.members(), one.invites(), one)
  const acts: (() => unknown)[] = [
    () => readToken(token.slice(0, -1)),
    () => world.joiner('x', { token: `${token}x` }),
  ]
  for (const act of acts) {
    try {
      await act()
    } catch (error) {
      seen.push(error)
    }
  }
  const files = await Promise.all(
    ['membership.json', 'invites.json'].map((name) => readFile(file(name), 'utf8')),
  )
  const text = [
    ...lines,
    ...files,
    ...seen.map((value) => inspect(value, { depth: 9, showHidden: true }) + JSON.stringify(value)),
  ].join('\n')

  expect(text).toContain(bob.peerId)
  const secrets = [token.slice(6, 60), token.slice(120, 180)]
  for (const name of ['identity.key', 'mesh.key', 'recovery.key']) {
    const pem = await readFile(file(name), 'utf8')
    const der = Buffer.from(pem.split('\n')[1]!, 'base64')
    const seed = der.subarray(-32)
    secrets.push(pem.split('\n')[1]!.slice(24), seed.toString('hex'), seed.toString('base64url'))
  }
  const invite = Buffer.from(token.slice(6), 'base64url').subarray(52, 84)
  secrets.push(invite.toString('hex'), invite.toString('base64url'), invite.toString('base64'))
  for (const secret of secrets) expect(text).not.toContain(secret)
})
