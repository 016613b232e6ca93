/**
 * The libp2p node with the settings that were measured to hold, and nothing of the application.
 *
 * - Agents start together behind one IP: higher inbound thresholds, no IP colocation penalty.
 * - A dead first address must not use up the dial: 2 s per address, and our own order of addresses.
 * - A paused reader must not be reset: the yamux window stays below the read buffer.
 * - The DHT is the mesh's own: own protocol, server mode, private addresses allowed.
 * - libp2p does not reconnect in the long run; its own attempts are off, `redial.ts` does it.
 */
import { gossipsub, StrictSign, type GossipSub } from '@libp2p/gossipsub'
import { identify, type Identify } from '@libp2p/identify'
import type { Libp2p, PeerInfo, PrivateKey } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { noise } from '@chainsafe/libp2p-noise'
import { ping, type Ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { announceable } from './addresses.ts'
import { MeshError } from './errors.ts'

/** Below libp2p's read buffer of 4 MiB, bytes. */
const MAX_STREAM_WINDOW_BYTES = 1 << 20
/** One gossip RPC, bytes; larger ones kill the stream. Messages are far smaller (see `wire.ts`). */
const MAX_RPC_BYTES = 1 << 20
/** Bytes that may wait for a slow gossip peer before its stream is reset. */
const MAX_GOSSIP_BACKLOG_BYTES = 4 << 20
/** Time for one address, and for all of a peer's, ms. */
export const ADDRESS_DIAL_TIMEOUT_MS = 2000
export const DIAL_TIMEOUT_MS = 10_000

export type MeshNode = Libp2p<{
  identify: Identify
  ping: Ping
  pubsub: GossipSub
  dht?: KadDHT
}>

export interface NodeInit {
  privateKey: PrivateKey
  version: string
  /** Told to others by identify, so that two processes under one identity are noticed. */
  incarnation?: string
  /** Multiaddrs to listen on. */
  listen: readonly string[]
  /** Full topic names; any other is ignored. */
  allowedTopics: readonly string[]
  /** Protocol id of the mesh's own DHT; without one, no DHT. */
  dhtProtocol?: string | undefined
  /** Reduces what identify and the DHT tell others. */
  announceFilter: (addresses: string[]) => string[]
  /** How often live connections are probed, ms. */
  pingIntervalMs: number
}

/** Builds a node that is not started yet, so that handlers and listeners can be added first. */
export async function createNode(init: NodeInit): Promise<MeshNode> {
  const { privateKey, version, listen, allowedTopics, dhtProtocol } = init
  const services = {
    identify: identify({ maxInboundStreams: 8 }),
    ping: ping(),
    pubsub: gossipsub({
      globalSignaturePolicy: StrictSign,
      fallbackToFloodsub: false,
      floodPublish: true,
      allowPublishToZeroTopicPeers: true,
      D: 6,
      Dlo: 4,
      Dhi: 12,
      doPX: false,
      allowedTopics: [...allowedTopics],
      scoreParams: { IPColocationFactorWeight: 0 },
      maxInboundDataLength: MAX_RPC_BYTES,
      maxOutboundBufferSize: MAX_GOSSIP_BACKLOG_BYTES,
    }),
    ...(dhtProtocol !== undefined && { dht: await dht(dhtProtocol) }),
  }
  return createLibp2p({
    start: false,
    privateKey,
    nodeInfo: { name: 'bzzz', version, userAgent: userAgent(version, init.incarnation) },
    addresses: { listen: [...listen], announceFilter: filterBy(init.announceFilter) },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: MAX_STREAM_WINDOW_BYTES } })],
    connectionManager: {
      maxConnections: 150,
      maxParallelDials: 20,
      inboundConnectionThreshold: 50,
      maxIncomingPendingConnections: 50,
      addressDialTimeout: ADDRESS_DIAL_TIMEOUT_MS,
      dialTimeout: DIAL_TIMEOUT_MS,
      addressSorter: () => 0,
      reconnectRetries: 0,
    },
    connectionMonitor: { pingInterval: init.pingIntervalMs, pingTimeout: { minTimeout: 5000 } },
    services,
  })
}

const userAgent = (version: string, incarnation = '') => `bzzz/${version} ${incarnation}`.trim()

/** What a peer's identify says of its incarnation; hostile like all of it. */
export function incarnationOf(agentVersion: string | undefined): string | undefined {
  return /^bzzz\/\S{1,64} ([0-9a-f]{32})$/.exec(agentVersion ?? '')?.[1]
}

/** Loaded only where it is used: it is a tenth of all that libp2p loads. */
async function dht(protocol: string) {
  const { kadDHT } = await import('@libp2p/kad-dht')
  const peerInfoMapper = (peer: PeerInfo): PeerInfo => ({
    ...peer,
    multiaddrs: filterBy((addresses) => announceable(addresses, []))(peer.multiaddrs),
  })
  return kadDHT({ protocol, clientMode: false, allowQueryWithZeroPeers: true, peerInfoMapper })
}

function filterBy(choose: (addresses: string[]) => string[]) {
  return (addresses: Multiaddr[]): Multiaddr[] =>
    choose(addresses.map((address) => address.toString())).map((text) => multiaddr(text))
}

/** Errors: `LISTEN_FAILED`. */
export async function startNode(node: MeshNode, listen: readonly string[]): Promise<void> {
  try {
    await node.start()
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'UnsupportedListenAddressesError') {
      const address = listen.find((at) => cause.message.includes(`${at}:`)) ?? listen.join(', ')
      // libp2p puts the text and the stack of each failure into one message.
      const [why] = /listen E[A-Z]+\b[^\n]*/.exec(cause.message) ?? []
      throw new MeshError('LISTEN_FAILED', `The agent cannot listen on ${address}.`, {
        data: { address, listen },
        next: 'Stop the program that uses the port (ss -ltnp shows it), or set another listen address; port 0 takes a free one.',
        cause: why === undefined ? cause : new Error(why),
      })
    }
    throw cause
  }
}
