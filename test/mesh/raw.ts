/**
 * A node under the test's full control that speaks the mesh's protocols: it can lie, reset streams
 * and fall silent, which a well-behaved mesh cannot be made to do. It is a member unless asked not to
 * be, and lets everyone in.
 */
import { randomBytes } from 'node:crypto'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Capabilities, Mesh, TopicName } from '../../src/mesh/index.ts'
import { Counters } from '../../src/mesh/counters.ts'
import { topicName, topicNames } from '../../src/mesh/gossip.ts'
import { loadIdentity, privateKeyOf } from '../../src/mesh/identity.ts'
import { createNode, startNode, type MeshNode } from '../../src/mesh/node.ts'
import { serve } from '../../src/mesh/request.ts'
import { encodeJson, nullLogger, repeat, systemClock, until } from '../../src/util/index.ts'
import { capabilities, type Lab } from './support.ts'

export interface Raw {
  node: MeshNode
  peerId: string
  announcement(change?: Partial<Capabilities>): Capabilities
  /** Publishes bytes as they are, signed by this node. */
  publish(topic: TopicName, data: Uint8Array): Promise<void>
  beat(on: boolean): Promise<void>
  stop(): Promise<void>
}

export interface RawInit {
  lab: Lab
  /** Not a member. */
  stranger?: boolean
  /** What it answers when its capabilities are asked for. */
  answer?: (own: Capabilities) => Uint8Array
  heartbeatMs?: number
}

export async function createRaw(init: RawInit): Promise<Raw> {
  const { lab, stranger = false, answer, heartbeatMs = 1000 } = init
  const { meshName } = lab
  const name = `raw-${randomBytes(4).toString('hex')}`
  if (!stranger) await lab.admit(name)
  const node = await createNode({
    privateKey: privateKeyOf(loadIdentity(lab.home(name))),
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
    expiresAt: Date.now() + 90_000,
    ...change,
  })
  await serve(node, `/bzzz/${meshName}/capabilities/1`, {
    maxBytes: 1024,
    answer: () => (answer ?? encodeJson)(announcement()),
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
      await publish('heartbeat', encodeJson({ v: 1, incarnation, sequence, at: Date.now() }))
    },
    { everyMs: heartbeatMs, onError: () => undefined },
  )
  await loop.start()
  return {
    node,
    peerId,
    announcement,
    publish,
    beat: (on) => (on ? loop.start() : loop.stop()),
    async stop() {
      await loop.stop()
      await node.stop()
    },
  }
}

export async function dial(raw: Raw, mesh: Mesh): Promise<void> {
  await raw.node.dial(mesh.addresses().map((address) => multiaddr(address)))
}

/** Dials the mesh and waits until it counts the raw node as connected and takes its gossip. */
export async function join(raw: Raw, mesh: Mesh, meshName: string): Promise<void> {
  await dial(raw, mesh)
  await until('the raw node to join', 10_000, () => {
    const known = mesh.peers().some((peer) => peer.peerId === raw.peerId && peer.connected)
    const topic = topicName(meshName, 'capabilities')
    const subscribed = raw.node.services.pubsub.getSubscribers(topic)
    return known && subscribed.some((id) => id.toString() === mesh.peerId)
  })
}

export const connectionsTo = (raw: Raw, mesh: Mesh) =>
  raw.node.getConnections(peerIdFromString(mesh.peerId))
