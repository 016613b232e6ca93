/** What the mesh offers to the rest of the agent. No type of libp2p leaves this folder. */
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Startable } from '../util/index.ts'
import type { Standing } from './membership/types.ts'
import type { GoneReason, Presence } from './presence/index.ts'
import type {
  Capabilities,
  HelpMessage,
  HelpReceipt,
  LocalCapabilities,
  OpenTopic,
  TopicMessage,
  WitnessAnswer,
  WitnessRequest,
} from './wire.ts'

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
  /** Announced and granted by the mesh. */
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
  /** Gone for so long that it is forgotten, or no member any more. */
  'peer:lost': [peer: MeshPeer]
  /** This machine is no member any more: it dials nobody, and members refuse it. */
  'mesh:out': [standing: Standing]
}

export interface StreamOptions {
  signal?: AbortSignal
  /** Until the stream is open, ms. Default 10,000. */
  timeoutMs?: number
}

/**
 * How others reach an agent. `open`: from anywhere, seen to be so; `unconfirmed`: it has a public address
 * that nobody has tried; `closed`: it has one, but dialling it failed; `nat`: members outside see
 * another address than its own; `routed`: members of other networks see its own, private address;
 * `local`: only members on its own networks were met; `unknown`: none was.
 */
export type ReachKind = 'open' | 'unconfirmed' | 'closed' | 'nat' | 'routed' | 'local' | 'unknown'

export interface AnnouncedAddress {
  /** Multiaddr with peer id. */
  address: string
  kind: 'public' | 'private' | 'loopback' | 'relayed'
  /** What AutoNAT found; absent where it does not ask. */
  check?: 'confirmed' | 'failed' | 'waiting'
}

export interface MulticastState {
  interface: string
  address: string
  /** False when its socket could not be opened; it is tried again. */
  ok: boolean
  /** Answers of other members that came over it. */
  answers: number
}

/** Everything about how this agent and others find and reach each other, now. */
export interface Reach {
  is: ReachKind
  /** The fact that it is concluded from, for people. */
  because: string
  announced: AnnouncedAddress[]
  /** Hosts as which members see this agent. */
  observed: string[]
  /** Members that are connected directly, and through relays only. */
  peers: { direct: number; relayed: number }
  relay: {
    /** Peer ids of members through which this agent is reached. */
    uses: string[]
    /** Reservations at this agent; null when it serves no others. */
    serves: number | null
    because: string
  }
  /** Relayed connections made, and those that became direct. */
  holePunch: { enabled: boolean; relayed: number; upgraded: number }
  autonat: { enabled: boolean }
  /** `addresses`: as mapped by the router; empty while there is none. */
  upnp: { enabled: boolean; addresses: string[] }
  /** Empty when mDNS is off or has no interface. */
  multicast: MulticastState[]
  /** `peers`: in the routing table; null when the DHT is off. */
  dht: { peers: number | null }
  bootstrap: { address: string; connected: boolean }[]
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
  /** Peer ids under which two processes run at once: somebody copied a home. */
  twins(): string[]
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
  /** One round trip to a connected or dialable peer, ms. Errors: `PEER_UNREACHABLE`, `STREAM_TRUNCATED`, `DEADLINE`. */
  ping(peerId: string, options?: StreamOptions): Promise<number>
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
  /** Takes what peers say about help; one handler at a time, `from` is authenticated. Returns the way to end it. */
  handleHelp(handler: (message: HelpMessage, from: string) => Promise<HelpReceipt>): () => void
  /**
   * Sends it to a connected or dialable peer. Errors: `PEER_UNREACHABLE`, `PEER_FOREIGN`, `DEADLINE`,
   * `ABORTED`, `INVALID`, `MESSAGE_TOO_LARGE`, `STREAM_TRUNCATED`.
   */
  sendHelp(peerId: string, message: HelpMessage, options?: StreamOptions): Promise<HelpReceipt>
  /** How others find and reach this agent. Cheap; before the start, all of it is empty. */
  reach(): Reach
  /** Ed25519 signature by the peer's identity key. */
  sign(data: Uint8Array): Promise<Uint8Array>
  /** Counters since start: accepted, rejected by reason, dials, reconnects … Names are stable. */
  counters(): Record<string, number>
}
