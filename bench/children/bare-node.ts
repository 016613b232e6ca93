/**
 * The yardstick: a libp2p node with the transports and services that an agent has, and nothing
 * else. It prints its addresses, dials those it reads from stdin (or, with a tag, finds by mDNS on
 * loopback), and prints `meshed` when it is connected to `peers` others that gossip with it.
 *
 *   node bare-node.ts PEERS [MDNS_TAG]
 */
import { createInterface } from 'node:readline'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT } from '@libp2p/kad-dht'
import { noise } from '@chainsafe/libp2p-noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import multicastDns from 'multicast-dns'

const topic = 'bench'
const lookMs = 5
const askMs = [0, 250, 1_000, 3_000]
const peers = Number(process.argv[2] ?? 0)
const tag = process.argv[3]

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionManager: { inboundConnectionThreshold: 50, maxIncomingPendingConnections: 50 },
  services: {
    identify: identify(),
    ping: ping(),
    pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }),
    dht: kadDHT({ protocol: '/bench/kad/1.0.0', clientMode: false, allowQueryWithZeroPeers: true }),
  },
})
node.services.pubsub.subscribe(topic)
const ownId = node.peerId.toString()
const addresses = node.getMultiaddrs().map(String)
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const dial = (address: string) =>
  node.dial(multiaddr(address), { signal: AbortSignal.timeout(10_000) }).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
  })

const mdns = tag === undefined ? undefined : discover(tag)
say({ addresses })

const looking = setInterval(() => {
  if (node.getPeers().length < peers) return
  if (node.services.pubsub.getSubscribers(topic).length < peers) return
  clearInterval(looking)
  say({ meshed: true })
}, lookMs)

/** Of two peers that find each other, the one with the smaller id dials, so that there is one connection. */
function discover(name: string) {
  const socket = multicastDns({ interface: '127.0.0.1', bind: '0.0.0.0' })
  const answer = () =>
    socket.respond(
      addresses.map((address) => ({ name, type: 'TXT' as const, ttl: 120, data: address })),
    )
  socket.on('query', ({ questions }) => {
    if (questions?.some((question) => question.name === name) === true) answer()
  })
  const dialled = new Set<string>()
  socket.on('response', ({ answers }) => {
    for (const found of answers ?? []) {
      if (found.type !== 'TXT' || found.name !== name) continue
      const address = [found.data].flat().map(String).join('')
      const id = address.split('/p2p/')[1] ?? ''
      if (id <= ownId || dialled.has(id)) continue
      dialled.add(id)
      void dial(address)
    }
  })
  socket.on('ready', () => {
    answer()
    for (const ms of askMs) setTimeout(() => socket.query([{ name, type: 'TXT' }]), ms).unref()
  })
  return socket
}

let stopping = false
async function stop(): Promise<void> {
  if (stopping) return
  stopping = true
  clearInterval(looking)
  mdns?.destroy()
  await node.stop()
  process.exit(0)
}
process.on('SIGTERM', () => void stop())
const input = createInterface({ input: process.stdin })
input.on('line', (line) => (JSON.parse(line) as string[]).forEach((address) => void dial(address)))
input.on('close', () => void stop())
