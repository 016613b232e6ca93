/** Who belongs to a mesh, over real connections: joining, not knowing each other yet, removal, expiry. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createJoiner,
  createMesh,
  joinMesh,
  openMembership,
  type JoinProgress,
  type Membership,
  type Mesh,
} from '../../src/mesh/index.ts'
import { nullLogger, systemClock, until, type Clock } from '../../src/util/index.ts'
import {
  capabilities,
  connectedTo,
  createLab,
  fullMesh,
  type Lab,
  type LabMesh,
} from './support.ts'

let lab: Lab
const meshes: Mesh[] = []
beforeEach(async () => {
  lab = await createLab()
})
afterEach(async () => {
  await Promise.all(meshes.splice(0).map((mesh) => mesh.stop()))
  await lab.close()
})

const clock = systemClock
const logger = nullLogger
const count = (mesh: Mesh, name: string) => mesh.counters()[name] ?? 0
const signer = { granted: ['worker' as const, 'signer' as const] }
const noMdns = { mdns: { enabled: false } }
const bootstrap = (...to: Mesh[]) => ({
  ...noMdns,
  dht: { enabled: false, bootstrap: to.flatMap((mesh) => mesh.addresses()) },
})

interface Wish {
  token?: string
  addresses?: string[]
  timeoutMs?: number
  steps?: JoinProgress[]
  mdns?: boolean
}

/** As `bzzz join` does it. */
async function join(name: string, wish: Wish = {}): Promise<Membership> {
  const { token, addresses = [], timeoutMs = 20_000, steps, mdns = false } = wish
  const home = lab.home(name)
  const joiner = await createJoiner({
    home,
    name,
    roles: ['worker'],
    ...(token === undefined ? { meshName: lab.meshName } : { token }),
    clock,
    logger,
  })
  return joinMesh(
    {
      home,
      joiner,
      addresses,
      timeoutMs,
      mdns: { enabled: mdns, interfaces: ['lo'] },
      onStep: (step) => steps?.push(step),
    },
    { logger },
  )
}

function meshOf(name: string, membership: Membership): Mesh {
  const mesh = createMesh(
    {
      home: lab.home(name),
      name,
      version: '0.1.0',
      roles: ['worker'],
      listen: ['/ip4/127.0.0.1/tcp/0'],
      mdns: { enabled: true, interfaces: ['lo'] },
      dht: { enabled: false, bootstrap: [] },
      capabilities,
    },
    { membership, logger },
  )
  meshes.push(mesh)
  return mesh
}

/** A member of whom nobody else has heard yet, as after a partition. */
async function unknownMember(name: string, at: Clock = clock): Promise<Membership> {
  await lab.founder.admit(lab.home(name), name, ['worker'])
  const membership = await openMembership({ home: lab.home(name), clock: at, logger })
  if (membership === undefined) throw new Error('not admitted')
  return membership
}

const tokenOf = async (mesh: LabMesh, options: { uses?: number | null } = {}) =>
  (await mesh.membership.invite({ ...options, addresses: mesh.addresses() })).token

test('a machine joins with a token, works with all, and stays one after a restart', async () => {
  const a = await lab.start('a', signer)
  const b = await lab.start('b')
  await fullMesh([a, b])
  const membership = await join('new', { token: await tokenOf(a) })
  expect(membership.standing(membership.peerId)).toBe('member')
  const mesh = meshOf('new', membership)
  await mesh.start()
  await fullMesh([a, b, mesh])
  await until('the same roster', 30_000, () => b.membership.digest() === membership.digest())
  await mesh.stop()
  const again = await openMembership({ home: lab.home('new'), clock, logger })
  expect(again?.standing(mesh.peerId)).toBe('member')
})

test('by mDNS alone, past a member that may not sign', async () => {
  const a = await lab.start('a', signer)
  const b = await lab.start('b')
  await fullMesh([a, b])
  const { token } = await a.membership.invite({ addresses: [] })
  const byLink = await join('new', { token, mdns: true })
  expect(byLink.meshId).toBe(a.membership.meshId)
})

test('a member that may not sign names one that may', async () => {
  const a = await lab.start('a', signer)
  const b = await lab.start('b')
  await fullMesh([a, b])
  const { token } = await a.membership.invite({ addresses: [] })
  const steps: JoinProgress[] = []
  await join('new', { token, addresses: b.addresses(), steps })
  expect(steps).toMatchObject([{ is: 'elsewhere', responder: b.peerId }])
})

test('without a token it waits until a signer approves', async () => {
  const a = await lab.start('a', signer)
  const steps: JoinProgress[] = []
  const asked = new Promise<{ words: string }>((resolve) =>
    a.membership.events.once('asked', resolve),
  )
  const joining = join('new', { addresses: a.addresses(), steps })
  const { words } = await asked
  await until('the words', 30_000, () => steps.some(({ is }) => is === 'pending'))
  expect(steps).toMatchObject([{ is: 'pending', words }])
  expect(a.membership.asks()).toHaveLength(1)
  await a.membership.approve('new')
  const membership = await joining
  expect(a.membership.standing(membership.peerId)).toBe('member')
  expect(membership.roles(membership.peerId)).toEqual(['worker'])
})

test('nobody there, nobody who answers: an error that says what to do', async () => {
  await expect(join('new', { timeoutMs: 500 })).rejects.toMatchObject({
    code: 'JOIN_TIMEOUT',
    data: { peers: 0 },
    next: expect.stringContaining('--address'),
  })
  await expect(
    join('new', { timeoutMs: 1500, addresses: ['/ip4/127.0.0.1/tcp/9'] }),
  ).rejects.toMatchObject({ code: 'JOIN_TIMEOUT', data: { peers: 1 } })
})

test('a spent token is refused with its own code, and a signal ends the search', async () => {
  const a = await lab.start('a', signer)
  const token = await tokenOf(a)
  await join('first', { token })
  await expect(join('second', { token })).rejects.toMatchObject({
    code: 'JOIN_REFUSED',
    data: { code: 'TOKEN_SPENT' },
  })
})

test('two members that do not know each other introduce themselves', async () => {
  const known = await lab.start('a', noMdns)
  const membership = await unknownMember('new')
  expect(known.membership.standing(membership.peerId)).toBe('stranger')
  const mesh = createMesh(
    {
      home: lab.home('new'),
      name: 'new',
      version: '0.1.0',
      roles: ['worker'],
      listen: ['/ip4/127.0.0.1/tcp/0'],
      capabilities,
      ...bootstrap(known),
    },
    { membership, logger },
  )
  meshes.push(mesh)
  await mesh.start()
  await fullMesh([known, mesh])
  expect(known.membership.standing(mesh.peerId)).toBe('member')
  expect(count(mesh, 'introductions')).toBe(1)
  expect(count(mesh, 'links.unready')).toBe(0)
})

test('also when neither knows the other, and only one can reach the other', async () => {
  const first = await unknownMember('x')
  const second = await unknownMember('y')
  const x = meshOf('x', first)
  await x.start()
  const y = createMesh(
    {
      home: lab.home('y'),
      name: 'y',
      version: '0.1.0',
      roles: ['worker'],
      listen: [],
      capabilities,
      ...bootstrap(x),
    },
    { membership: second, logger },
  )
  meshes.push(y)
  await y.start()
  await fullMesh([x, y])
  expect(first.standing(y.peerId)).toBe('member')
})

test('who is removed while connected is hung up on by all, hears of it, and dials no more', async () => {
  const [a, b, c] = await Promise.all([lab.start('a', signer), lab.start('b'), lab.start('c')])
  await fullMesh([a, b, c])
  const outs: string[] = []
  c.events.on('mesh:out', (standing) => outs.push(standing))
  await a.membership.remove(c.peerId)
  await until('all to hang up', 30_000, () => !connectedTo(a, c) && !connectedTo(b, c))
  expect(a.peers().map(({ peerId }) => peerId)).toEqual([b.peerId])
  await until('it to know', 60_000, () => outs.length > 0)
  expect(outs).toEqual(['removed'])
  const dials = count(c, 'dials')
  await until('mDNS to find the others again', 60_000, () => count(c, 'mdns.answers') > 8)
  expect(count(c, 'dials')).toBeLessThanOrEqual(dials + 2)
  expect(connectedTo(a, b)).toBe(true)
})

test('who is removed while away learns it on return, and is let in by nobody', async () => {
  const [a, b] = await Promise.all([lab.start('a', signer), lab.start('b')])
  const c = await lab.start('c')
  await fullMesh([a, b, c])
  await c.stop()
  await until('it to be gone', 30_000, () => !connectedTo(a, c))
  await a.membership.remove(c.peerId)
  await until('all to know', 30_000, () => b.membership.standing(c.peerId) === 'removed')
  const outs: string[] = []
  c.events.on('mesh:out', (standing) => outs.push(standing))
  await c.start()
  await until('it to know', 60_000, () => outs.length > 0)
  expect(outs).toEqual(['removed'])
  for (const mesh of [a, b])
    await until('its name to be dropped', 5000, () =>
      mesh.peers().every(({ peerId }) => peerId !== c.peerId),
    )
  expect(c.peers().every(({ connected }) => !connected)).toBe(true)
})

test('a removal made on one side of a partition takes effect when the sides meet', async () => {
  const a = await lab.start('a', { ...signer, ...noMdns })
  const b = await lab.start('b', noMdns)
  const c = await lab.start('c', bootstrap(b))
  await fullMesh([b, c])
  await a.membership.remove(c.peerId)
  expect(connectedTo(b, c)).toBe(true)
  const d = await lab.start('d', bootstrap(a, b))
  await until('the sides to meet', 30_000, () => connectedTo(d, a) && connectedTo(d, b))
  await until('the removal to take effect', 30_000, () => !connectedTo(b, c))
  expect(b.membership.standing(c.peerId)).toBe('removed')
})

test('an expired member is let in by nobody and says so', async () => {
  const a = await lab.start('a')
  const late: Clock = { ...clock, now: () => clock.now() + 40 * 86_400_000 }
  const membership = await unknownMember('old', late)
  const outs: string[] = []
  const mesh = meshOf('old', membership)
  mesh.events.on('mesh:out', (standing) => outs.push(standing))
  await mesh.start()
  expect(outs).toEqual(['expired'])
  await until('mDNS to show it', 30_000, () => count(a, 'dials.strangers') > 0)
  expect(count(mesh, 'dials')).toBe(0)
  expect(a.peers()).toEqual([])
})

test('a role counts only if it is both announced and granted', async () => {
  const a = await lab.start('a')
  const b = await lab.start('b', { roles: ['worker', 'observer'], granted: ['observer'] })
  await fullMesh([a, b])
  expect(a.peers()).toMatchObject([{ name: 'b', roles: ['observer'] }])
  expect(a.peers()[0]?.capabilities?.roles).toEqual(['worker', 'observer'])
})

test('a restart takes the same port, and finds the mesh again without any discovery', async () => {
  const a = await lab.start('a', noMdns)
  const b = await lab.start('b', bootstrap(a))
  await fullMesh([a, b])
  const before = b.addresses()
  await Promise.all([a.stop(), b.stop()])
  const again = await Promise.all([lab.start('a', noMdns), lab.start('b', noMdns)])
  await fullMesh(again)
  expect(again[1]?.addresses()).toEqual(before)
})
