/**
 * A node under the test's full control that speaks the mesh's protocols: it can lie, reset streams
 * and fall silent, which a well-behaved mesh cannot be made to do. It is a member unless asked not to
 * be, and lets everyone in.
 */
import { randomBytes } from 'node:crypto'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Capabilities, Mesh, TopicName } from '../../src/mesh/index.ts'
import { signCapabilities } from '../../src/mesh/gossip/announcement.ts'
import { Counters } from '../../src/mesh/counters.ts'
import { topicName, topicNames } from '../../src/mesh/gossip/gossip.ts'
import { loadIdentity, privateKeyOf } from '../../src/mesh/identity.ts'
import { createNode, startNode, type MeshNode } from '../../src/mesh/node/node.ts'
import { serve } from '../../src/mesh/streams/request.ts'
import { encodeJson, nullLogger, repeat, systemClock, until } from '../../src/util/index.ts'
import { capabilities, type Lab } from './support.ts'

export interface Raw {
  node: MeshNode
  peerId: string
  announcement(change?: Partial<Capabilities>): Capabilities
  /** Its announcement as it goes over the wire, signed by this node. */
  signed(change?: Partial<Capabilities>): Promise<Uint8Array>
  announce(change?: Partial<Capabilities>): Promise<void>
  /** Publishes bytes as they are, in the name of this node. */
  publish(topic: TopicName, data: Uint8Array): Promise<void>
  beat(on: boolean): Promise<void>
  stop(): Promise<void>
}

export interface RawInit {
  lab: Lab
  /** Not a member. */
  stranger?: boolean
  /** What it answers when its capabilities are asked for. */
  answer?: (own: Raw) => Promise<Uint8Array> | Uint8Array
  heartbeatMs?: number
}

export async function createRaw(init: RawInit): Promise<Raw> {
  const { lab, stranger = false, answer, heartbeatMs = 1000 } = init
  const { meshName } = lab
  const name = `raw-${randomBytes(4).toString('hex')}`
  if (!stranger) await lab.admit(name)
  const privateKey = privateKeyOf(loadIdentity(lab.home(name)))
  const node = await createNode({
    privateKey,
    version: '0',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    allowedTopics: topicNames(meshName),
    announceFilter: (addresses) => addresses,
    pingIntervalMs: 4000,
  })
  const peerId = node.peerId.toString()
  const incarnation = 'a'.repeat(32)
  const startedAt = Date.now()
  const announcement: Raw['announcement'] = (change = {}) => ({
    ...capabilities,
    v: 1,
    peerId,
    name: 'raw',
    version: '0',
    incarnation,
    sequence: 1,
    startedAt,
    roles: ['worker'],
    issuedAt: Date.now(),
    ...change,
  })
  const identity = { sign: async (data: Uint8Array) => privateKey.sign(data) }
  const signed: Raw['signed'] = async (change) => {
    const ready = await signCapabilities(announcement(change), { identity, meshName })
    return encodeJson(ready.announcement)
  }
  await serve(node, `/bzzz/${meshName}/capabilities/1`, {
    maxBytes: 1024,
    answer: () => (answer === undefined ? signed() : answer(raw)),
    counters: new Counters(),
    logger: nullLogger,
    clock: systemClock,
  })
  await startNode(node, [])
  const { pubsub } = node.services
  const subscribed = topicNames(meshName)
  for (const topic of subscribed) pubsub.subscribe(topic)
  const publish: Raw['publish'] = async (topic, data) => {
    await pubsub.publish(topicName(meshName, topic), data)
  }
  let sequence = 0
  const loop = repeat(
    async () => {
      sequence += 1
      const at = Date.now()
      const newest = { startedAt, announced: 1 }
      const beat = { v: 1, incarnation, sequence, at, everyMs: heartbeatMs, ...newest }
      await publish('heartbeat', encodeJson(beat))
    },
    { everyMs: heartbeatMs, onError: () => undefined },
  )
  await loop.start()
  const raw: Raw = {
    node,
    peerId,
    announcement,
    signed,
    announce: async (change) => publish('capabilities', await signed(change)),
    publish,
    beat: (on) => (on ? loop.start() : loop.stop()),
    async stop() {
      await loop.stop()
      await node.stop()
    },
  }
  return raw
}

export async function dial(raw: Raw, mesh: Mesh): Promise<void> {
  await raw.node.dial(mesh.addresses().map((address) => multiaddr(address)))
}

/** Dials the mesh and waits until it counts the raw node as connected and takes its gossip. */
export async function join(raw: Raw, mesh: Mesh, meshName: string): Promise<void> {
  await dial(raw, mesh)
  await until('the raw node to join', 30_000, () => {
    const known = mesh.peers().some((peer) => peer.peerId === raw.peerId && peer.connected)
    const topic = topicName(meshName, 'capabilities')
    const subscribed = raw.node.services.pubsub.getSubscribers(topic)
    return known && subscribed.some((id) => id.toString() === mesh.peerId)
  })
}

export const connectionsTo = (raw: Raw, mesh: Mesh) =>
  raw.node.getConnections(peerIdFromString(mesh.peerId))
