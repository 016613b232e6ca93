/**
 * The libp2p node with the settings that were measured to hold, and nothing of the application.
 *
 * - Agents start together behind one IP: higher inbound thresholds, no IP colocation penalty.
 * - A dead first address must not use up the dial: 2 s per address, and our own order of addresses.
 * - A paused reader must not be reset: the yamux window stays below the read buffer.
 * - The DHT is the mesh's own: own protocol, server mode, private addresses allowed.
 * - libp2p does not reconnect in the long run; its own attempts are off, `redial.ts` does it.
 */
import type { CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import { gossipsub, StrictSign, type GossipSub } from '@libp2p/gossipsub'
import { identify, identifyPush, type Identify, type IdentifyPush } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PeerInfo, PrivateKey, Transport } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { noise } from '@chainsafe/libp2p-noise'
import { ping, type Ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type ServiceFactoryMap } from 'libp2p'
import { announceable } from './addresses.ts'
import { explain, withDeadline, type Clock, type Logger } from '../../util/index.ts'
import { MeshError } from '../errors.ts'
import type { Guard } from '../admission/guard.ts'
import { muxer } from './muxer.ts'

const STOP_TIMEOUT_MS = 8000
/** One gossip RPC, bytes; larger ones kill the stream. Messages are far smaller (see `wire.ts`). */
const MAX_RPC_BYTES = 1 << 20
/** Bytes that may wait for a slow gossip peer before its stream is reset. */
const MAX_GOSSIP_BACKLOG_BYTES = 4 << 20
/**
 * Pings of one connection at the same time. By default it is one, and libp2p closes a connection whose
 * probe finds another ping under way.
 */
const MAX_PINGS = 8
/** Time for one address, and for all of a peer's, ms. */
export const ADDRESS_DIAL_TIMEOUT_MS = 2000
export const DIAL_TIMEOUT_MS = 10_000

/** Of a record in the DHT that says where a member is, ms. */
const PROVIDER_LIFE_MS = 3_600_000

export type MeshNode = Libp2p<{
  identify: Identify
  identifyPush: IdentifyPush
  ping: Ping
  pubsub: GossipSub
  dht?: KadDHT
}>

/** What a node is given beyond TCP and the services that every node has. */
export interface NodeParts {
  transports: ((components: CircuitRelayTransportComponents) => Transport)[]
  /** Further multiaddrs to listen on. */
  listen: string[]
  /** Multiaddrs that are announced beside those that it listens on. */
  announce: readonly string[]
  services: ServiceFactoryMap
  gater: ConnectionGater
}

const plain: NodeParts = { transports: [], listen: [], announce: [], services: {}, gater: {} }

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
  parts?: NodeParts
  /** Keeps who is no member out. Without one, everyone is let in. */
  guard?: Pick<Guard, 'gater' | 'service'>
}

/** Builds a node that is not started yet, so that handlers and listeners can be added first. */
export async function createNode(init: NodeInit): Promise<MeshNode> {
  const { privateKey, version, listen, allowedTopics, dhtProtocol, parts = plain } = init
  const services = {
    // First, so that it wraps what the others register with.
    ...(init.guard !== undefined && { guard: init.guard.service }),
    identify: identify({ maxInboundStreams: 8 }),
    // Tells the others a new address, such as one at a relay, without a new connection.
    identifyPush: identifyPush(),
    ping: ping({ maxInboundStreams: MAX_PINGS, maxOutboundStreams: MAX_PINGS }),
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
    ...parts.services,
  }
  return createLibp2p({
    start: false,
    privateKey,
    nodeInfo: { name: 'bzzz', version, userAgent: userAgent(version, init.incarnation) },
    addresses: {
      listen: [...listen, ...parts.listen],
      appendAnnounce: [...parts.announce],
      announceFilter: filterBy(init.announceFilter),
    },
    transports: [tcp(), ...parts.transports],
    connectionGater: { ...init.guard?.gater, ...parts.gater },
    connectionEncrypters: [noise()],
    streamMuxers: [muxer()],
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
  return kadDHT({
    protocol,
    clientMode: false,
    allowQueryWithZeroPeers: true,
    peerInfoMapper,
    // Members make their records anew themselves, see `discovery/dht.ts`.
    reprovide: { validity: PROVIDER_LIFE_MS, interval: PROVIDER_LIFE_MS / 4, threshold: 0 },
  })
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

/** Never rejects: what does not close in time is reset. */
export async function stopNode(
  node: MeshNode,
  { logger, clock }: { logger: Logger; clock: Clock },
): Promise<void> {
  await withDeadline('stop libp2p', STOP_TIMEOUT_MS, () => node.stop(), { clock }).catch(
    (error: unknown) => {
      logger.warn({ error: explain(error) }, 'libp2p did not stop in time')
      for (const at of node.getConnections()) at.abort(new Error('The agent stops.'))
    },
  )
}
