/**
 * Gossip among nodes in one process, with the settings and checks of an agent's mesh: which part of
 * the messages arrives, how long they take, how many copies each node gets of one. Yardstick: a raw
 * TCP connection from the sender to each receiver, in the same process, with the same bytes; it is the
 * least there is, and nobody would have it in a mesh.
 *
 *   node bench/mesh-gossip.ts [nodes] [messages]
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { Counters } from '../src/mesh/counters.ts'
import { createGossip, topicName, topicNames, type Gossip } from '../src/mesh/gossip/gossip.ts'
import { createInbox } from '../src/mesh/gossip/inbox.ts'
import { createNode, startNode, type MeshNode } from '../src/mesh/node/node.ts'
import type { TaskAnnouncement } from '../src/mesh/wire.ts'
import { encodeJson, nullLogger, sleep, until } from '../src/util/index.ts'
import { newMeshName } from './agents.ts'
import { argument, bench, type Bench, type Samples } from './lib.ts'

const size = argument(0, { min: 4, max: 100, usual: 16 })
const messages = argument(1, { min: 10, max: 5_000, usual: 100 })
/** Connections that each node makes; with those that others make, about twice as many. */
const degree = 6
const pauseMs = 100
const lastMs = 10_000
/** Until gossipsub has grafted its mesh, ms. */
const settleMs = 3_000

const names = { tcp: 'raw TCP to each', gossip: 'gossip' }

interface Node {
  node: MeshNode
  gossip: Gossip
  /** Copies of messages that came in, duplicates included. */
  copies: number
}

async function startGossip(meshName: string): Promise<Node> {
  const node = await createNode({
    privateKey: await generateKeyPair('Ed25519'),
    version: '0',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    allowedTopics: topicNames(meshName),
    announceFilter: (addresses) => addresses,
    pingIntervalMs: 4_000,
  })
  await startNode(node, [])
  const counters = new Counters()
  const inbox = createInbox({ meshName, counters, isMember: () => true })
  const basics = { counters, logger: nullLogger }
  const gossip = createGossip(
    { meshName, isMember: () => true },
    { inbox, onAuthor: () => undefined, ...basics },
  )
  gossip.attach(node.services.pubsub)
  const one: Node = { node, gossip, copies: 0 }
  // gossipsub tells of each message once; the copies are counted where they come in.
  const pubsub = node.services.pubsub as unknown as {
    handleReceivedMessage: (from: unknown, message: { topic: string }) => Promise<void>
  }
  const handle = pubsub.handleReceivedMessage.bind(pubsub)
  pubsub.handleReceivedMessage = (from, message) => {
    if (message.topic === topicName(meshName, 'tasks')) one.copies += 1
    return handle(from, message)
  }
  return one
}

const hint = (issue: number): TaskAnnouncement => ({
  v: 1,
  repo: 'acme/widgets',
  issue,
  event: 'claimed',
  attempt: 1,
  oid: 'a'.repeat(40),
  at: Date.now(),
})

/** Sends to all, message after message; ms of each delivery. */
async function deliveries(
  { signal }: Bench,
  receivers: number,
  onHeard: (heard: (issue: number) => void) => void,
  send: (issue: number) => Promise<unknown>,
): Promise<number[]> {
  const sentAt = new Map<number, number>()
  const times: number[] = []
  onHeard((issue) => void times.push(performance.now() - (sentAt.get(issue) ?? Number.NaN)))
  for (let issue = 0; issue < messages; issue += 1) {
    sentAt.set(issue, performance.now())
    await send(issue)
    await sleep(pauseMs, { signal })
  }
  const expected = messages * receivers
  await until('the rest', lastMs, () => times.length >= expected, { signal }).catch(() => undefined)
  return times
}

async function overGossip(bench: Bench) {
  const meshName = newMeshName()
  const all: Node[] = []
  try {
    while (all.length < size) all.push(await startGossip(meshName))
    for (const [index, { node }] of all.entries()) {
      for (let step = 0; step < Math.min(degree, size - 1); step += 1) {
        // Steps of 1, 2, 4, …: a ring with ever longer chords.
        const other = all[(index + 2 ** step) % size]?.node
        if (other !== undefined && other !== node) await node.dial(other.getMultiaddrs())
      }
    }
    const [sender, ...receivers] = all
    if (sender === undefined) throw new Error('No node was started.')
    await sleep(settleMs, { signal: bench.signal })
    for (const one of all) one.copies = 0
    const times = await deliveries(
      bench,
      receivers.length,
      (heard) => {
        for (const { gossip } of receivers) gossip.subscribe('tasks', ({ issue }) => heard(issue))
      },
      (issue) => sender.gossip.publish('tasks', hint(issue)),
    )
    const copies = receivers.reduce((sum, one) => sum + one.copies, 0)
    const links = all.reduce((sum, { node }) => sum + node.getConnections().length, 0) / size
    return { times, copies: copies / Math.max(1, times.length), links }
  } finally {
    await Promise.all(all.map(async ({ node }) => node.stop()))
  }
}

async function overTcp(bench: Bench): Promise<number[]> {
  const accepted: Socket[] = []
  const server = createServer((socket) => void accepted.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const receivers = Array.from({ length: size - 1 }, () => connect(port, '127.0.0.1'))
  try {
    await until('connections', lastMs, () => accepted.length === size - 1)
    for (const socket of accepted) socket.setNoDelay()
    return await deliveries(
      bench,
      receivers.length,
      (heard) => {
        for (const socket of receivers) {
          let text = ''
          socket.setEncoding('utf8').on('data', (chunk: string) => {
            const lines = (text + chunk).split('\n')
            text = lines.pop() ?? ''
            for (const line of lines) heard((JSON.parse(line) as TaskAnnouncement).issue)
          })
        }
      },
      async (issue) => {
        const line = Buffer.concat([encodeJson(hint(issue)), Buffer.from('\n')])
        for (const socket of accepted) socket.write(line)
      },
    )
  } finally {
    for (const socket of [...receivers, ...accepted]) socket.destroy()
    server.close()
  }
}

await bench({ name: 'mesh-gossip', budgetMs: 40_000, deadlineMs: 90_000 }, async (context) => {
  const tcp = await overTcp(context)
  const { times, copies, links } = await overGossip(context)
  const expected = messages * (size - 1)
  const samples: Samples = { [names.tcp]: tcp, [names.gossip]: times }
  return {
    parts: [
      { title: 'one delivery', unit: 'ms', yardstick: names.tcp, samples },
      {
        title: 'copies of one message at one node (6.3 is gossipsub’s own figure for 1,000 nodes)',
        unit: 'copies',
        yardstick: 'one each',
        samples: { 'one each': [1], [names.gossip]: [copies] },
      },
    ],
    notes: [
      `${messages} messages from one of ${size} nodes with ${links.toFixed(1)} connections each; one every ${pauseMs} ms. The median is p50.`,
      `Delivered: ${times.length} of ${expected}, a ratio of ${(times.length / expected).toFixed(4)}; over TCP ${tcp.length} of ${expected}.`,
    ],
    facts: { size, messages, degree, copies, links, ratio: times.length / expected },
  }
})
