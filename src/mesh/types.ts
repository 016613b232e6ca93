/** What the mesh offers to the rest of the agent. No type of libp2p leaves this folder. */
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Startable } from '../util/index.ts'
import type { GoneReason, Presence } from './presence/index.ts'
import type { Capabilities, LocalCapabilities, OpenTopic, TopicMessage } from './wire.ts'

export interface MeshPeer {
  /** base58btc, as libp2p prints it. */
  peerId: string
  /** From its capabilities; absent until they were received. */
  name?: string
  connected: boolean
  /**
   * `alive`: heard by this one, or by another member that says so. `suspect`: neither, and probes go
   * on. `gone`: said goodbye, or nobody that was asked reaches it.
   */
  presence: Presence
  /** Of one that is gone: it stopped in good order, or fell silent. */
  goneBecause?: GoneReason
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
  /** Another presence than `before`. */
  'peer:presence': [peer: MeshPeer, before: Presence]
  /** Gone for so long that it is forgotten. */
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
  /** Every peer met or heard of in this run, until it has been gone for a while; never oneself. */
  peers(): MeshPeer[]
  /** Own capabilities as announced last. */
  capabilities(): Capabilities
  /**
   * Merges the change and announces it: what matters within 200 ms, as one; load, free memory and the
   * length of the journal at most every 30 s, and only when they are a step away.
   */
  announce(change: Partial<LocalCapabilities>): void
  /** Errors: `MESSAGE_TOO_LARGE`, `MESH_STOPPED`. Being alone is no error. */
  publish<T extends OpenTopic>(topic: T, message: TopicMessage<T>): Promise<void>
  /** `from` is the authenticated author, never the forwarder. Returns the unsubscriber. */
  subscribe<T extends OpenTopic>(
    topic: T,
    handler: (message: TopicMessage<T>, from: string) => void,
  ): () => void
  /** Serves the journal protocol. The duplex is destroyed when the connection goes. */
  handleJournal(handler: (stream: Duplex, peerId: string) => void): () => void
  /** Opens a journal stream to a connected or dialable peer. Errors: `PEER_UNREACHABLE`, `DEADLINE`. */
  openJournal(peerId: string, options?: StreamOptions): Promise<Duplex>
  /** Ed25519 signature by the peer's identity key. */
  sign(data: Uint8Array): Promise<Uint8Array>
  /** Counters since start: accepted, rejected by reason, dials, reconnects … Names are stable. */
  counters(): Record<string, number>
}
