/** A relay serves members only: neither is a stranger reserved, nor relayed to a member. */
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { Counters } from '../../src/mesh/counters.ts'
import { createNode, type MeshNode } from '../../src/mesh/node/node.ts'
import { createReach, type ReachParts } from '../../src/mesh/reach/index.ts'
import { nullLogger, systemClock, until } from '../../src/util/index.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

const HOP = '/libp2p/circuit/relay/0.2.0/hop'

async function start(members: ReadonlySet<string>, serve: boolean, key: Key) {
  const counters = new Counters()
  const reach: ReachParts = createReach(
    {
      announce: [],
      relay: { use: true, serve },
      autonat: false,
      holePunch: false,
      upnp: false,
      mayRelay: (peerId) => members.has(peerId),
      dht: { enabled: false, bootstrap: [], intervalMs: 1000 },
      known: () => [],
      local: () => [],
    },
    {
      dialer: { addresses: () => [], heardOf: () => undefined },
      counters,
      logger: nullLogger,
      clock: systemClock,
    },
  )
  const node = await createNode({
    privateKey: key,
    version: '0',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    allowedTopics: [],
    announceFilter: (addresses) => addresses,
    pingIntervalMs: 4000,
    parts: await reach.parts(),
  })
  const over = new AbortController()
  await reach.attach(node, over.signal)
  await node.start()
  await reach.start()
  stops.push(async () => {
    over.abort()
    await reach.stop()
    await node.stop()
  })
  return { node, reach, counters }
}

type Key = Ed25519PrivateKey

/** Speaks the relay protocol as anyone may, and asks everybody. */
async function startStranger(key: Key): Promise<MeshNode> {
  const node = await createNode({
    privateKey: key,
    version: '0',
    listen: [],
    allowedTopics: [],
    announceFilter: (addresses) => addresses,
    pingIntervalMs: 4000,
    parts: {
      transports: [circuitRelayTransport()],
      listen: ['/p2p-circuit'],
      announce: [],
      services: {},
      gater: {},
    },
  })
  await node.start()
  stops.push(async () => node.stop())
  return node
}

const idOf = (key: Key) => peerIdFromPrivateKey(key).toString()
const toRelay = (relay: MeshNode) => relay.getMultiaddrs().map((address) => address.toString())
const speaksHop = ({ remotePeer }: Connection, of: MeshNode) =>
  of.peerStore.get(remotePeer).then(
    ({ protocols }) => protocols.includes(HOP),
    () => false,
  )

test('members are reserved and relayed; a stranger is neither, in any direction', async () => {
  const keys = await Promise.all(Array.from({ length: 4 }, () => generateKeyPair('Ed25519')))
  const [relayKey, oneKey, twoKey, strangerKey] = keys as [Key, Key, Key, Key]
  const members = new Set([relayKey, oneKey, twoKey].map((key) => idOf(key)))
  const relay = await start(members, true, relayKey)
  const one = await start(members, false, oneKey)
  const two = await start(members, false, twoKey)
  const stranger = await startStranger(strangerKey)
  const at = toRelay(relay.node).map((text) => multiaddr(text))
  await Promise.all([one, two].map(({ node }) => node.dial(at)))
  await until('reservations', 30_000, () => relay.reach.report(undefined).relay.serves === 2)

  const connection = await stranger.dial(at)
  await until('the stranger to see a relay', 30_000, () => speaksHop(connection, stranger))
  await until('it to be refused', 30_000, () => relay.counters.snapshot()['relay.denied'] === 1)
  const [address = ''] = toRelay(relay.node)
  const through = (peer: MeshNode) =>
    multiaddr(`${address}/p2p-circuit/p2p/${peer.peerId.toString()}`)
  const signal = AbortSignal.timeout(5000)
  await expect(stranger.dial(through(one.node), { signal })).rejects.toThrow(/PERMISSION_DENIED/)
  expect(stranger.getMultiaddrs()).toEqual([])
  expect(relay.reach.report(undefined).relay.serves).toBe(2)
  expect(relay.counters.snapshot()['relay.denied']).toBe(2)

  // The control: between members it is open, without a limit.
  const link = await two.node.dial(through(one.node), { signal })
  expect(link).toMatchObject({ direct: false, limits: undefined, status: 'open' })

  // A relay that is no member is not used, though it would serve.
  members.delete(idOf(relayKey))
  const three = await start(members, false, await generateKeyPair('Ed25519'))
  await three.node.dial(at)
  await until('it to know the relay', 30_000, async () => {
    const [known] = three.node.getConnections()
    return known !== undefined && speaksHop(known, three.node)
  })
  await three.reach.start()
  expect(three.reach.report(undefined).relay.uses).toEqual([])
  expect(three.counters.snapshot()['relay.reserved']).toBeUndefined()
})
