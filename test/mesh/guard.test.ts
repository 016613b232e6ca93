/** The guard of a node, with real nodes and a clock of its own: strangers get nothing but the open protocol. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Counters } from '../../src/mesh/counters.ts'
import { createGuard, HOLD_MS, type Guard } from '../../src/mesh/admission/guard.ts'
import type { Standing } from '../../src/mesh/membership/types.ts'
import { createNode, startNode, type MeshNode } from '../../src/mesh/node/node.ts'
import { handle, request, REQUEST_TIMEOUT_MS, serve } from '../../src/mesh/streams/request.ts'
import { MAX_STRANGERS_PER_ADDRESS } from '../../src/mesh/admission/reception.ts'
import { nullLogger, systemClock, until } from '../../src/util/index.ts'
import { fakeClock, type FakeClock } from '../unit/mesh/fake-clock.ts'

const OPEN = '/test/open/1'
const CLOSED = '/test/closed/1'
const TOPIC = '/test/topic'

let clock: FakeClock
let counters: Counters
let standings: Map<string, Standing>
let guard: Guard
let host: MeshNode
let handled: string[]
const nodes: MeshNode[] = []

async function createPlain(guarded?: Guard): Promise<MeshNode> {
  const node = await createNode({
    privateKey: await generateKeyPair('Ed25519'),
    version: '0',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    allowedTopics: [TOPIC],
    dhtProtocol: '/test/kad/1',
    announceFilter: (addresses) => addresses,
    // Who is not guarded closes a connection on which its ping is refused.
    pingIntervalMs: guarded === undefined ? 60_000 : 300,
    ...(guarded === undefined ? {} : { guard: guarded }),
  })
  nodes.push(node)
  return node
}

beforeEach(async () => {
  clock = fakeClock()
  counters = new Counters()
  standings = new Map()
  handled = []
  guard = createGuard(
    {
      standing: (peerId) => standings.get(peerId) ?? 'stranger',
      open: new Set([OPEN]),
      isExpected: () => false,
    },
    { counters, clock },
  )
  host = await createPlain(guard)
  const served = { maxBytes: 100, counters, logger: nullLogger, clock }
  await serve(host, OPEN, { ...served, answer: () => Buffer.from('open') })
  await handle(host, CLOSED, (stream, peerId) => {
    handled.push(peerId)
    stream.destroy()
  })
  await startNode(host, [])
  host.services.pubsub.subscribe(TOPIC)
})
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
})

async function visit(
  standing: Standing = 'stranger',
): Promise<{ node: MeshNode; connection: Connection }> {
  const node = await createPlain()
  await startNode(node, [])
  node.services.pubsub.subscribe(TOPIC)
  standings.set(node.peerId.toString(), standing)
  return { node, connection: await node.dial(host.getMultiaddrs()) }
}

const ask = (node: MeshNode) =>
  request(node, host.peerId.toString(), OPEN, Buffer.from('?'), {
    maxBytes: 100,
    timeoutMs: 5000,
    clock: systemClock,
  })
const connectedTo = (node: MeshNode) => host.getConnections(node.peerId).length > 0

test('a stranger may use the open protocol and no other, the services of libp2p included', async () => {
  const { node, connection } = await visit()
  expect(Buffer.from(await ask(node)).toString()).toBe('open')
  const all = host.getProtocols().filter((protocol) => protocol !== OPEN)
  expect(all).toEqual(expect.arrayContaining(['/ipfs/id/1.0.0', '/ipfs/ping/1.0.0', '/test/kad/1']))
  expect(all.some((protocol) => protocol.startsWith('/meshsub/'))).toBe(true)
  const before = counters.snapshot()['guard.streams.in'] ?? 0
  for (const protocol of all) {
    const stream = await connection.newStream(protocol).catch(() => undefined)
    if (stream === undefined) continue
    await until(`${protocol} to be reset`, 5000, () => stream.status !== 'open')
    expect(stream.status).toMatch(/reset|aborted/)
  }
  expect(counters.snapshot()['guard.streams.in']).toBeGreaterThanOrEqual(before + all.length)
  expect(handled).toEqual([])
})

test('nothing of a stranger stays: no peer store entry, no subscriber, no routing', async () => {
  const { node, connection } = await visit()
  await ask(node)
  const gossip = host.getProtocols().find((protocol) => protocol.startsWith('/meshsub/')) ?? ''
  await Promise.allSettled(['/test/kad/1', gossip].map((id) => connection.newStream(id)))
  await until('its streams and our own to be refused', 5000, () => {
    const { 'guard.streams.in': inwards = 0, 'guard.streams.out': outwards = 0 } =
      counters.snapshot()
    return inwards >= 3 && outwards >= 2
  })
  expect(await host.peerStore.has(node.peerId)).toBe(false)
  expect(host.services.pubsub.getSubscribers(TOPIC)).toEqual([])
  expect(host.services.pubsub.getPeers()).toEqual([])
  const { routingTable } = host.services.dht as unknown as { routingTable: { size: number } }
  expect(routingTable.size).toBe(0)
})

test('the control: a member gets all of it', async () => {
  const { node, connection } = await visit('member')
  await until('gossip', 5000, () => host.services.pubsub.getSubscribers(TOPIC).length === 1)
  await until('identify', 5000, () => host.peerStore.has(node.peerId))
  await connection.newStream(CLOSED)
  await until('the handler', 5000, () => handled.length === 1)
  await clock.advance(10 * HOLD_MS)
  expect(connectedTo(node)).toBe(true)
})

test('every further stream of a member is handled once', async () => {
  const { connection } = await visit('member')
  for (let n = 1; n <= 5; n += 1) {
    await connection.newStream(CLOSED)
    await until('the handler', 5000, () => handled.length >= n)
  }
  expect(handled).toHaveLength(5)
})

test('a stranger is let go after its time, one that became a member is not', async () => {
  const stays = await visit()
  const goes = await visit()
  await until('both', 5000, () => connectedTo(stays.node) && connectedTo(goes.node))
  expect(guard.strangers()).toBe(2)
  await clock.advance(HOLD_MS - 1)
  expect(connectedTo(goes.node)).toBe(true)
  standings.set(stays.node.peerId.toString(), 'member')
  await clock.advance(1)
  await until('the end', 5000, () => !connectedTo(goes.node))
  expect(connectedTo(stays.node)).toBe(true)
  expect(counters.snapshot()['guard.timeouts']).toBe(1)
  expect(guard.strangers()).toBe(0)
})

test('a request that comes byte by byte, or not at all, is given up', async () => {
  const { connection } = await visit()
  const slow = await connection.newStream(OPEN)
  slow.send(Buffer.from([0, 0]))
  const silent = await connection.newStream(OPEN)
  const streams = () =>
    host.getConnections()[0]?.streams.filter(({ protocol }) => protocol === OPEN)
  await until('both streams', 5000, () => streams()?.length === 2)
  await clock.advance(REQUEST_TIMEOUT_MS - 1)
  expect(streams()).toHaveLength(2)
  await clock.advance(1)
  await until('both to be reset', 5000, () => slow.status !== 'open' && silent.status !== 'open')
  expect(counters.snapshot()['requests.failed']).toBe(2)
})

test('strangers of one address are few, and make room when they go', async () => {
  const first = await visit()
  for (let n = 1; n < MAX_STRANGERS_PER_ADDRESS; n += 1) await visit()
  // The one who dials may be done before it is refused.
  const last = await visit().catch(() => undefined)
  await until('the refusal', 5000, () => counters.snapshot()['guard.denied.crowded'] === 1)
  await until('the end', 5000, () => last?.node.getConnections().length !== 1)
  await first.node.stop()
  await until('room', 5000, () => guard.strangers() < MAX_STRANGERS_PER_ADDRESS)
  await visit()
})

test('a removed peer may only ask how it stands, and not again soon; none is dialled', async () => {
  const { node } = await visit('removed')
  expect(Buffer.from(await ask(node)).toString()).toBe('open')
  await node.hangUp(host.peerId)
  await expect(node.dial(host.getMultiaddrs()).then(async () => ask(node))).rejects.toThrow()
  expect(counters.snapshot()['guard.denied.removed']).toBe(1)
  await expect(host.dial(node.getMultiaddrs())).rejects.toThrow(/denyDialPeer|allowDialPeer/)
})

test('strangers are not dialled, unless the address names nobody', async () => {
  const node = await createPlain()
  await startNode(node, [])
  const [named] = node.getMultiaddrs()
  if (named === undefined) throw new Error('it listens nowhere')
  await expect(host.dial(named)).rejects.toThrow()
  const bare = multiaddr(named.toString().split('/p2p/')[0] ?? '')
  const connection = await host.dial(bare)
  await expect(connection.newStream('/ipfs/ping/1.0.0')).rejects.toThrow(/Strangers/)
  await clock.advance(HOLD_MS)
  await until('the end', 5000, () => !connectedTo(node))
})
