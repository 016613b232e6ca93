import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Mesh, TaskAnnouncement } from '../../src/mesh/index.ts'
import { until } from '../../src/util/index.ts'
import { connectedTo, createLab, fullMesh, knows, type Lab } from './support.ts'

let lab: Lab
let other: Lab
beforeEach(async () => {
  lab = await createLab()
  other = await createLab()
})
afterEach(() => Promise.all([lab.close(), other.close()]))

const hint = (issue: number): TaskAnnouncement => ({
  v: 1,
  repo: 'acme/widgets',
  issue,
  event: 'claimed',
  attempt: 1,
  at: Date.now(),
})

test('four peers on loopback find each other by mDNS, and gossip of each reaches all', async () => {
  const meshes = await Promise.all(['a', 'b', 'c', 'd'].map((name) => lab.start(name)))
  await fullMesh(meshes)
  meshes.forEach((mesh, index) => {
    expect(mesh.addresses().every((address) => address.startsWith('/ip4/127.0.0.1/'))).toBe(true)
    const names = new Set(mesh.peers().map(({ name }) => name))
    expect(names).toEqual(new Set(['a', 'b', 'c', 'd'].toSpliced(index, 1)))
  })
  const seen = meshes.map(() => new Map<number, string>())
  meshes.forEach((mesh, index) =>
    mesh.subscribe('tasks', (task, from) => seen[index]?.set(task.issue, from)),
  )
  await Promise.all(meshes.map((mesh, index) => mesh.publish('tasks', hint(index))))
  await until('gossip everywhere', 5000, () => seen.every((map) => map.size === 3))
  seen.forEach((map, index) => {
    expect(map.has(index)).toBe(false)
    for (const [issue, from] of map) expect(from).toBe(meshes[issue]?.peerId)
  })
})

const rounds = 5

test('meshes of different names on one link never mix', async () => {
  const ours = await Promise.all(['a', 'b'].map((name) => lab.start(name)))
  const theirs = await Promise.all(['x', 'y'].map((name) => other.start(name)))
  const heard: string[] = []
  for (const mesh of theirs) mesh.subscribe('tasks', (_task, from) => heard.push(from))
  await Promise.all([fullMesh(ours), fullMesh(theirs)])
  await ours[0]?.publish('tasks', hint(1))
  await theirs[0]?.publish('tasks', hint(2))
  await until('their own gossip', 5000, () => heard.length > 0)
  // Whatever of the others were on its way would have come before these.
  for (let round = 1; round < rounds; round += 1) {
    await Promise.all([ours[0]?.publish('tasks', hint(1)), theirs[0]?.publish('tasks', hint(2))])
    await until('more of it', 5000, () => heard.length > round)
  }
  for (const mesh of [...ours, ...theirs]) expect(mesh.peers()).toHaveLength(1)
  expect(heard).toEqual(Array.from({ length: rounds }, () => theirs[0]?.peerId))
})

test('a peer of another mesh that is dialled by address is hung up on', async () => {
  const ours = await lab.start('a')
  const theirs = await other.start('x', {
    mdns: { enabled: false },
    dht: { enabled: false, bootstrap: ours.addresses() },
  })
  await until('a refusal', 30_000, () => (theirs.counters()['links.strangers'] ?? 0) > 0)
  expect(ours.counters()).toMatchObject({ 'join.answered.refused': 1 })
  expect(ours.peers()).toEqual([])
  expect(theirs.peers()).toEqual([])
})

test('two meshes of one name on one link are both whole and leave each other alone', async () => {
  const twin = await createLab({ meshName: lab.meshName })
  try {
    const often = { mdns: { enabled: true, interfaces: ['lo'], intervalMs: 300 } }
    const ours = await Promise.all(['a', 'b'].map((name) => lab.start(name, often)))
    const theirs = await Promise.all(['x', 'y'].map((name) => twin.start(name, often)))
    await Promise.all([fullMesh(ours), fullMesh(theirs)])
    const all = [...ours, ...theirs]
    await until('many announcements of the others', 30_000, () =>
      all.every((mesh) => (mesh.counters()['dials.strangers'] ?? 0) >= 4),
    )
    for (const mesh of all) {
      expect(mesh.peers()).toHaveLength(1)
      expect(mesh.counters()['dials'] ?? 0).toBeLessThanOrEqual(2)
      expect(mesh.counters()).not.toHaveProperty('guard.admitted.stranger')
    }
  } finally {
    await twin.close()
  }
})

test('a late joiner has the capabilities of everyone within 2 s of its first connection', async () => {
  const first = await Promise.all(['a', 'b', 'c'].map((name) => lab.start(name)))
  await fullMesh(first)
  first[1]?.announce({ tags: ['special'] })
  const late = await lab.make('late')
  let connectedAt = 0
  late.events.once('peer:connect', () => {
    connectedAt = performance.now()
  })
  await late.start()
  await until('everyone', 30_000, () => knows(late, first))
  expect(performance.now() - connectedAt).toBeLessThan(2000)
  await until('everyone to know the late one', 5000, () => first.every((at) => knows(at, [late])))
  await until('the change', 5000, () =>
    late.peers().some(({ capabilities }) => capabilities?.tags.includes('special') === true),
  )
})

test('without mDNS, two peers that know a third meet through the DHT', async () => {
  const dht = (bootstrap: string[]) => ({
    mdns: { enabled: false },
    dht: { enabled: true, bootstrap, intervalMs: 1000 },
  })
  const middle = await lab.start('b', dht([]))
  const [left, right] = await Promise.all([
    lab.start('a', dht(middle.addresses())),
    lab.start('c', dht(middle.addresses().map((address) => address.split('/p2p/')[0] ?? ''))),
  ])
  await until('the outer ones to meet', 60_000, () => connectedTo(left, right))
  await fullMesh([left, middle, right])
})

test('the control: without the DHT they do not', async () => {
  const only = (bootstrap: string[]) => ({
    pictureIntervalMs: 200,
    mdns: { enabled: false },
    dht: { enabled: false, bootstrap },
  })
  const middle = await lab.start('b', only([]))
  const outer = await Promise.all(['a', 'c'].map((at) => lab.start(at, only(middle.addresses()))))
  await until('both with the middle', 30_000, () => outer.every((at) => connectedTo(at, middle)))
  const [left, right] = outer
  const hears = (at: Mesh, of: Mesh) => at.peers().some(({ peerId }) => peerId === of.peerId)
  await until('that they hear of each other', 30_000, () =>
    left && right ? hears(left, right) && hears(right, left) : false,
  )
  const given = () => middle.counters()['pictures.given'] ?? 0
  const before = given()
  await until('more of the same', 60_000, () => given() >= before + 10)
  expect(left && right && connectedTo(left, right)).toBe(false)
})

test('an announced change reaches the others in well under the announcement interval', async () => {
  const [a, b] = await Promise.all(['a', 'b'].map((name) => lab.start(name)))
  if (a === undefined || b === undefined) throw new Error('not started')
  await fullMesh([a, b])
  const before = a.capabilities().sequence
  a.announce({ slots: { total: 2, used: 1 } })
  a.announce({ tags: ['gpu'] })
  await until('the change', 5000, () =>
    b.peers().some(({ capabilities }) => capabilities?.tags.includes('gpu') === true),
  )
  expect(a.capabilities().sequence).toBe(before + 1)
  expect(b.peers()[0]?.capabilities).toMatchObject({ slots: { total: 2, used: 1 } })
})
