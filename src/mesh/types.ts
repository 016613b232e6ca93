/** What the mesh offers to the rest of the agent. No type of libp2p leaves this folder. */
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Startable } from '../util/index.ts'
import type {
  Capabilities,
  LocalCapabilities,
  TopicMessage,
  TopicName,
  WitnessAnswer,
  WitnessRequest,
} from './wire.ts'

export interface MeshPeer {
  /** base58btc, as libp2p prints it. */
  peerId: string
  /** From its capabilities; absent until they were received. */
  name?: string
  connected: boolean
  roles: string[]
  capabilities?: Capabilities
  /** Multiaddrs of live connections, else those known. */
  addresses: string[]
  /** Wall clock (ms since 1970) of the last sign of life. */
  lastSeenMs: number
  /** Last measured round trip, ms. */
  rttMs?: number
}

export interface MeshEvents {
  'peer:connect': [peer: MeshPeer]
  'peer:disconnect': [peer: MeshPeer]
  /** New capabilities of a peer. */
  'peer:update': [peer: MeshPeer]
  /** Its capabilities expired while it was not connected. */
  'peer:lost': [peer: MeshPeer]
}

export interface StreamOptions {
  signal?: AbortSignal
  /** Until the stream is open, ms. Default 10,000. */
  timeoutMs?: number
}

export interface Mesh extends Startable {
  readonly peerId: string
  /** Random per process start, 16 bytes in hex. */
  readonly incarnation: string
  readonly events: EventEmitter<MeshEvents>
  /** Own multiaddrs with peer id; empty before start. */
  addresses(): string[]
  /** Every peer met in this run that is connected or whose capabilities have not expired; never oneself. */
  peers(): MeshPeer[]
  /** Peer ids under which two processes run at once: somebody copied a home. */
  twins(): string[]
  /** Own capabilities as announced last. */
  capabilities(): Capabilities
  /** Merges the change and announces soon (changes within 200 ms go out as one). */
  announce(change: Partial<LocalCapabilities>): void
  /** Errors: `MESSAGE_TOO_LARGE`, `MESH_STOPPED`. Being alone is no error. */
  publish<T extends TopicName>(topic: T, message: TopicMessage<T>): Promise<void>
  /** `from` is the authenticated author, never the forwarder. Returns the unsubscriber. */
  subscribe<T extends TopicName>(
    topic: T,
    handler: (message: TopicMessage<T>, from: string) => void,
  ): () => void
  /** Serves the journal protocol. The duplex is destroyed when the connection goes. */
  handleJournal(handler: (stream: Duplex, peerId: string) => void): () => void
  /** Opens a journal stream to a connected or dialable peer. Errors: `PEER_UNREACHABLE`, `DEADLINE`. */
  openJournal(peerId: string, options?: StreamOptions): Promise<Duplex>
  /** Answers what peers ask about their own journals; one handler at a time. Returns the way to end it. */
  handleWitness(
    handler: (request: WitnessRequest, from: string) => Promise<WitnessAnswer>,
  ): () => void
  /** Asks a connected peer what it knows of the own journals. Errors: `PEER_UNREACHABLE`, `PEER_FOREIGN`, `DEADLINE`, `INVALID`. */
  askWitness(
    peerId: string,
    request: WitnessRequest,
    options?: StreamOptions,
  ): Promise<WitnessAnswer>
  /** Ed25519 signature by the peer's identity key. */
  sign(data: Uint8Array): Promise<Uint8Array>
  /** Counters since start: accepted, rejected by reason, dials, reconnects … Names are stable. */
  counters(): Record<string, number>
}
