/**
 * What an idle mesh costs: bytes that a node sends in a minute, and memory per node, for meshes of 10,
 * 30 and 100 in one process that are told three others each. Bytes are those that sockets wrote, in a
 * shorter window, scaled. Yardsticks: a node of the smallest mesh; bare libp2p nodes in the same
 * process, with the same transports and services and as many connections.
 *
 *   node bench/mesh-idle.ts [largest mesh] [window, s]
 */
import diagnostics from 'node:diagnostics_channel'
import { mkdir } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { topicNames } from '../src/mesh/gossip/gossip.ts'
import { createNode, startNode, type MeshNode } from '../src/mesh/node/node.ts'
import { createMesh, openMembership, type Mesh } from '../src/mesh/index.ts'
import { nullLogger, sleep, systemClock, until } from '../src/util/index.ts'
import { createFounder } from '../test/members.ts'
import { capabilities } from '../test/mesh/support.ts'
import { newMeshName } from './agents.ts'
import { argument, bench, type Bench, type Samples } from './lib.ts'

const largest = argument(0, { min: 10, max: 100, usual: 30 })
const windowMs = argument(1, { min: 10, max: 300, usual: 20 }) * 1_000
const sizes = [10, 30, 100].filter((size) => size <= largest)
/** Whom each is told of: those that started so many places before it. */
const before = [1, 4, 9]
const wholeMs = 240_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** All TCP sockets of this process. */
const sockets = new Set<Socket>()
let closedBytes = 0
for (const channel of ['net.client.socket', 'net.server.socket']) {
  diagnostics.subscribe(channel, (message) => {
    const { socket } = message as { socket: Socket }
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      closedBytes += socket.bytesWritten
    })
  })
}
const written = () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, closedBytes)

function memory(): number {
  collect()
  return process.memoryUsage().rss / 2 ** 20
}

interface Cost {
  /** Sent by one node in a minute, KiB. */
  bytes: number
  /** Per node, MiB. */
  memory: number
  connections: number
  /** Until everyone had everyone's capabilities, ms. */
  wholeMs: number
}

/** Meshes of one mesh that are members from the start, and know all others as such. */
async function members({ dir, signal }: Bench, size: number) {
  const meshName = newMeshName()
  const at = join(dir, meshName)
  await mkdir(at)
  const founder = await createFounder(at, meshName)
  const homes = Array.from({ length: size }, (_, index) => join(at, `node-${index}`))
  for (const [index, home] of homes.entries()) {
    signal.throwIfAborted()
    await founder.admit(home, `node-${index}`, ['worker'])
  }
  const statements = founder.membership.statements()
  return async (index: number, bootstrap: string[]): Promise<Mesh> => {
    const home = homes[index] ?? ''
    const membership = await openMembership({ home, clock: systemClock, logger: nullLogger })
    if (membership === undefined) throw new Error(`${home} belongs to no mesh.`)
    await membership.merge(statements)
    return createMesh(
      {
        home,
        name: `node-${index}`,
        version: '0',
        roles: ['worker'],
        listen: ['/ip4/127.0.0.1/tcp/0'],
        mdns: { enabled: false },
        dht: { enabled: false, bootstrap },
        capabilities,
      },
      { membership, logger: nullLogger },
    )
  }
}

async function idle(bench: Bench, size: number): Promise<Cost> {
  const { signal } = bench
  const make = await members(bench, size)
  const meshes: Mesh[] = []
  const least = memory()
  const began = performance.now()
  try {
    while (meshes.length < size) {
      const bootstrap = before.flatMap(
        (places) => meshes[meshes.length - places]?.addresses()[0] ?? [],
      )
      const mesh = await make(meshes.length, bootstrap)
      meshes.push(mesh)
      await mesh.start()
      signal.throwIfAborted()
    }
    const isWhole = () =>
      meshes.every(
        (mesh) => mesh.peers().filter(({ capabilities }) => capabilities).length === size - 1,
      )
    await until('the whole picture', wholeMs, isWhole, { signal, everyMs: 500 })
    const whole = performance.now() - began
    await sleep(5_000, { signal })
    const connections = meshes.reduce(
      (sum, mesh) => sum + mesh.peers().filter(({ connected }) => connected).length,
      0,
    )
    const [sent, from] = [written(), performance.now()]
    await sleep(windowMs, { signal })
    const perMinute = ((written() - sent) / (performance.now() - from)) * 60_000
    return {
      bytes: perMinute / size / 1_024,
      memory: (memory() - least) / size,
      connections: connections / size,
      wholeMs: Math.round(whole),
    }
  } finally {
    await Promise.all(meshes.map((mesh) => mesh.stop()))
  }
}

/** Bare nodes with the same links. */
async function bare({ signal }: Bench, size: number): Promise<Pick<Cost, 'bytes' | 'memory'>> {
  const nodes: MeshNode[] = []
  const least = memory()
  try {
    while (nodes.length < size) {
      const node = await createNode({
        privateKey: await generateKeyPair('Ed25519'),
        version: '0',
        listen: ['/ip4/127.0.0.1/tcp/0'],
        allowedTopics: topicNames('bare'),
        announceFilter: (addresses) => addresses,
        pingIntervalMs: 4_000,
      })
      await startNode(node, [])
      for (const topic of topicNames('bare')) node.services.pubsub.subscribe(topic)
      for (const places of before) {
        const other = nodes[nodes.length - places]
        if (other !== undefined) await node.dial(other.getMultiaddrs(), { signal })
      }
      nodes.push(node)
    }
    await sleep(5_000, { signal })
    const [sent, from] = [written(), performance.now()]
    await sleep(windowMs, { signal })
    const perMinute = ((written() - sent) / (performance.now() - from)) * 60_000
    return { bytes: perMinute / size / 1_024, memory: (memory() - least) / size }
  } finally {
    await Promise.all(nodes.map(async (node) => node.stop()))
  }
}

await bench({ name: 'mesh-idle', budgetMs: 300_000, deadlineMs: 480_000 }, async (context) => {
  const bytes: Samples = {}
  const perNode: Samples = {}
  const costs: Record<string, Cost> = {}
  const smallest = sizes[0] ?? 10
  const plain = await bare(context, smallest)
  bytes[`bare libp2p, ${smallest}`] = [plain.bytes]
  perNode[`bare libp2p, ${smallest}`] = [plain.memory]
  for (const size of sizes) {
    if (context.used() > 0.6) continue
    const cost = await idle(context, size)
    costs[size] = cost
    bytes[`mesh of ${size}`] = [cost.bytes]
    perNode[`mesh of ${size}`] = [cost.memory]
    context.note(`mesh of ${size}: ${cost.connections.toFixed(1)} connections each`)
  }
  return {
    parts: [
      {
        title: 'sent by one idle node in a minute',
        unit: 'KiB',
        yardstick: `mesh of ${smallest}`,
        samples: bytes,
      },
      {
        title: 'memory per node in one process',
        unit: 'MiB',
        yardstick: `bare libp2p, ${smallest}`,
        samples: perNode,
      },
    ],
    notes: [
      `A window of ${windowMs / 1_000} s, scaled to a minute. Bare nodes are idle, too: pings, gossipsub’s own heartbeat.`,
      ...Object.entries(costs).map(
        ([size, { connections, wholeMs: whole }]) =>
          `Mesh of ${size}: ${connections.toFixed(1)} connections each; everyone knew everyone ${(whole / 1_000).toFixed(1)} s after the first start.`,
      ),
    ],
    facts: { sizes, windowMs, costs, plain },
  }
})
