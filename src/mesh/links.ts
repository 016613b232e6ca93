/**
 * What happens on live connections: a new one is greeted and only then counts, its round trip is
 * measured, a silent one is closed. One instance per run of the node.
 *
 * Gossip starts some time after the connection: its stream waits for identify, and what is
 * published before the peer's subscriptions came is never delivered. So a peer counts as connected
 * only when gossip reaches it; where that does not happen in time, the connection is made anew.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { systemClock, until, withDeadline, type Clock, type Logger } from '../util/index.ts'
import type { Counters } from './counters.ts'
import type { Dialer } from './dialer.ts'
import type { Gossip } from './gossip.ts'
import { greet, hangUp } from './greeter.ts'
import type { Heartbeats } from './heartbeat.ts'
import type { Inbox } from './inbox.ts'
import type { MeshNode } from './node.ts'
import type { Peers } from './peers.ts'

const PING_TIMEOUT_MS = 5000
/** From greeting to gossip, ms. */
const GOSSIP_TIMEOUT_MS = 5000
const GOSSIP_POLL_MS = 10

export interface LinksInit {
  /** Full id of the capabilities protocol. */
  protocol: string
  signal: AbortSignal
  /** A peer answered over its connection. */
  onGreeted: (peerId: string) => void
  /** A member connected. */
  onMember: (peerId: string) => void
  /** The last connection to a member went. */
  onLost: (peerId: string) => void
}

export interface LinksComponents {
  node: MeshNode
  peers: Peers
  dialer: Dialer
  heartbeats: Heartbeats
  gossip: Pick<Gossip, 'isHeardBy'>
  inbox: Inbox
  counters: Counters
  logger: Logger
  clock?: Clock
}

export interface Links {
  /** Greets connections that were missed. */
  sweep(): void
  /** Reads the announcement of a connected member anew. */
  reread(peerId: string): void
  /** Gossip with it is dead: closes its connections, so that it is dialled anew. */
  silent(peerId: string): void
  /** Addresses of live connections, and the last round trip. */
  live(peerId: string): { addresses: string[]; rttMs: number | undefined }
}

export function createLinks(init: LinksInit, components: LinksComponents): Links {
  const { protocol, signal, onGreeted, onMember, onLost } = init
  const {
    node,
    peers,
    dialer,
    heartbeats,
    gossip,
    counters,
    logger,
    clock = systemClock,
  } = components
  const greeting = new Set<string>()
  const rtts = new Map<string, number>()

  const connections = (peerId: string) => node.getConnections(peerIdFromString(peerId))

  /** Reads a connected peer's capabilities, again or for the first time. */
  async function meet(peerId: string): Promise<void> {
    if (greeting.has(peerId)) return
    greeting.add(peerId)
    try {
      const result = await greet(peerId, { ...components, protocol, clock, signal })
      if (result.is === 'refused') dialer.refused(peerId)
      if (result.is !== 'member') return
      if (result.signed !== undefined) peers.announced(result.signed)
      onGreeted(peerId)
      if (!peers.isConnected(peerId)) await untilGossip(peerId)
      if (connections(peerId).length === 0) return
      dialer.connected(peerId)
      if (!peers.isConnected(peerId)) {
        heartbeats.connected(peerId)
        peers.connected(peerId)
        onMember(peerId)
      }
    } finally {
      greeting.delete(peerId)
    }
    await measure(peerId)
  }

  async function untilGossip(peerId: string): Promise<void> {
    const ready = () => connections(peerId).length === 0 || hasGossip(peerId)
    const options = { signal, clock, everyMs: GOSSIP_POLL_MS }
    try {
      await until(`gossip with ${peerId}`, GOSSIP_TIMEOUT_MS, ready, options)
    } catch {
      if (signal.aborted) return
      counters.add('links.unready')
      logger.warn({ peerId }, 'gossip with a new peer does not start; connecting anew')
      await hangUp(node, peerId)
    }
  }

  /** The peer's subscriptions came, and our own stream to it is open. */
  function hasGossip(peerId: string): boolean {
    const streams = connections(peerId).flatMap((connection) => connection.streams)
    const isOpen = streams.some(
      ({ direction, protocol, writeStatus }) =>
        direction === 'outbound' && protocol.startsWith('/meshsub/') && writeStatus === 'writable',
    )
    return isOpen && gossip.isHeardBy(peerId)
  }

  async function measure(peerId: string): Promise<void> {
    const ping = (inner: AbortSignal) =>
      node.services.ping.ping(peerIdFromString(peerId), { signal: inner })
    await withDeadline('ping', PING_TIMEOUT_MS, ping, { signal, clock }).then(
      (rtt) => {
        if (peers.isConnected(peerId)) rtts.set(peerId, rtt)
      },
      () => counters.add('pings.failed'),
    )
  }

  function disconnected(peerId: string): void {
    rtts.delete(peerId)
    heartbeats.disconnected(peerId)
    const wasMember = peers.isConnected(peerId)
    peers.disconnected(peerId)
    dialer.lost(peerId)
    if (wasMember) onLost(peerId)
  }

  node.addEventListener('peer:connect', ({ detail }) => void meet(detail.toString()), { signal })
  node.addEventListener('peer:disconnect', ({ detail }) => disconnected(detail.toString()), {
    signal,
  })
  node.addEventListener(
    'peer:identify',
    ({ detail }) => {
      const addresses = detail.listenAddrs.map((address) => address.toString())
      dialer.learn(detail.peerId.toString(), addresses)
    },
    { signal },
  )

  return {
    sweep() {
      const strangers = node.getPeers().map((id) => id.toString())
      for (const peerId of strangers) if (!peers.isConnected(peerId)) void meet(peerId)
    },
    reread: (peerId) => void meet(peerId),
    silent(peerId) {
      counters.add('links.silent')
      logger.warn({ peerId }, 'gossip with a connected peer is dead; connecting anew')
      void hangUp(node, peerId)
    },
    live(peerId) {
      const live = connections(peerId)
      return {
        addresses: live.map(({ remoteAddr }) => remoteAddr.toString()),
        rttMs: live.find(({ rtt }) => rtt !== undefined)?.rtt ?? rtts.get(peerId),
      }
    },
  }
}
