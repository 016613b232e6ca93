/** Members that reach each other only through others: over the DHT, and through relays. */
import { createSocket } from 'node:dgram'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Mesh, MeshInit } from '../../src/mesh/index.ts'
import { until } from '../../src/util/index.ts'
import { connectedTo, createLab, fullMesh, type Lab } from './support.ts'

let lab: Lab
beforeEach(async () => {
  lab = await createLab()
})
afterEach(() => lab.close())

/** Known by address only, and looking around every second. */
const far = (bootstrap: string[], change: Partial<MeshInit> = {}): Partial<MeshInit> => ({
  mdns: { enabled: false },
  dht: { enabled: true, bootstrap, intervalMs: 1000 },
  redial: { baseMs: 500, maxMs: 2000 },
  ...change,
})

/** As behind NAT: others are not told where it is, but for what leads there through a relay. */
const behind = {
  announceFilter: (addresses: string[]) =>
    addresses.filter((text) => text.includes('/p2p-circuit/')),
}

const hint = (issue: number) =>
  ({ v: 1, repo: 'a/b', issue, event: 'seen', attempt: 0, at: Date.now() }) as const

let issues = 0
async function hears(mesh: Mesh, from: Mesh): Promise<void> {
  const issue = (issues += 1)
  let heard = false
  const end = mesh.subscribe('tasks', (task) => {
    heard ||= task.issue === issue
  })
  await until('gossip', 60_000, async () => {
    await from.publish('tasks', hint(issue))
    return heard
  })
  end()
}

/** A journal stream that comes back as it went. */
async function echoes(from: Mesh, to: Mesh): Promise<string> {
  const end = to.handleJournal((stream) => {
    stream.on('error', () => undefined)
    stream.pipe(stream)
  })
  const stream = await from.openJournal(to.peerId)
  stream.write('through')
  const data = await new Promise<Buffer>((resolve) => stream.once('data', resolve))
  stream.destroy()
  end()
  return data.toString()
}

const reserved = async (relay: Mesh, ...meshes: Mesh[]) =>
  until('reservations', 30_000, () =>
    meshes.every((mesh) => mesh.reach().relay.uses.includes(relay.peerId)),
  )

async function met(a: Mesh, b: Mesh): Promise<void> {
  await until('them to meet', 30_000, () => connectedTo(a, b) && connectedTo(b, a))
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

test('in a line of five that each know only their neighbour, all find all', async () => {
  const line: Mesh[] = []
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    line.push(await lab.start(name, far(line.at(-1)?.addresses() ?? [])))
  }
  await fullMesh(line, 40_000)
  for (const mesh of line) {
    await until('its own record', 60_000, () => (mesh.counters()['dht.provided'] ?? 0) > 0)
    expect(mesh.reach().dht.peers).toBeGreaterThan(0)
  }
})

test('a member that moved is found again by its peer id', async () => {
  const middle = await lab.start('m', far([]))
  const a = await lab.start('a', far(middle.addresses()))
  const b = await lab.start('b', far(middle.addresses()))
  await fullMesh([middle, a, b])
  await b.stop()
  await until('it to be gone', 30_000, () => !connectedTo(a, b))
  await until('dials in vain', 30_000, () => (a.counters()['dials.failed'] ?? 0) > 0)
  // It dials nobody but the middle, and has another port.
  await rm(join(lab.home('b'), 'listen.json'))
  const moved = await lab.make('b', far(middle.addresses(), { enoughConnections: 1 }))
  await moved.start()
  await met(a, moved)
})

test('members that nobody can dial meet through one that relays, gossip, and stream', async () => {
  const relay = await lab.start('r', far([], { relay: { serve: true } }))
  const a = await lab.start('a', far(relay.addresses(), behind))
  const b = await lab.start('b', far(relay.addresses(), behind))
  await reserved(relay, a, b)
  expect(relay.reach().relay).toMatchObject({ serves: 2, uses: [] })
  await met(a, b)
  expect(a.reach().peers).toEqual({ direct: 1, relayed: 1 })
  expect(a.addresses().every((text) => text.includes(`${relay.peerId}/p2p-circuit/`))).toBe(true)
  await hears(a, b)
  await hears(b, a)
  expect(await echoes(a, b)).toBe('through')
  expect(await echoes(b, a)).toBe('through')

  // A relay that went is taken again when it is back.
  const at = relay.addresses().map((text) => text.split('/p2p/')[0] ?? '')
  await relay.stop()
  await until('the way to be gone', 60_000, () => !connectedTo(a, b) && a.addresses().length === 0)
  const back = await lab.start('r', far([], { relay: { serve: true }, listen: at }))
  await reserved(back, a, b)
  await met(a, b)
  await hears(a, b)
})

test('where one learns of the other on its own network, a direct connection takes over', async () => {
  const port = await freePort()
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(port, '0.0.0.0', resolve))
  const mdns = { enabled: true, interfaces: ['lo'], port, watchMs: 300 }
  const relay = await lab.start('r', far([], { relay: { serve: true } }))
  const a = await lab.start('a', far(relay.addresses(), { ...behind, mdns }))
  const b = await lab.start('b', far(relay.addresses(), { ...behind, mdns }))
  await met(a, b)
  expect(a.reach()).toMatchObject({ peers: { relayed: 1 }, multicast: [{ ok: false }] })
  // From now on they hear each other by mDNS.
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  await until('direct connections', 30_000, () =>
    [a, b].every((mesh) => mesh.reach().peers.direct === 2),
  )
  expect(a.reach()).toMatchObject({ peers: { relayed: 0 }, multicast: [{ ok: true }] })
  await hears(a, b)
  await hears(b, a)
  expect(await echoes(a, b)).toBe('through')
  expect(a.counters()['links.silent']).toBeUndefined()
})

test('an agent that must not relay does not, whoever asks', async () => {
  const middle = await lab.start('m', far([]))
  const a = await lab.start('a', far(middle.addresses(), behind))
  await met(a, middle)
  expect(middle.reach().relay).toEqual({ uses: [], serves: null, because: 'no public address' })
  expect(a.reach()).toMatchObject({ announced: [], relay: { uses: [], serves: null } })
})
