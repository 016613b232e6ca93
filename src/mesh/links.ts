/**
 * What happens on live connections: a new one is greeted and only then counts, its round trip is
 * measured, a silent one is closed. One instance per run of the node.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { systemClock, withDeadline, type Clock, type Logger } from '../util/index.ts'
import type { Counters } from './counters.ts'
import type { Dialer } from './dialer.ts'
import { greet, hangUp } from './greeter.ts'
import type { Heartbeats } from './heartbeat.ts'
import type { Inbox } from './inbox.ts'
import type { MeshNode } from './node.ts'
import type { Peers } from './peers.ts'

const PING_TIMEOUT_MS = 5000

export interface LinksInit {
  /** Full id of the capabilities protocol. */
  protocol: string
  signal: AbortSignal
  /** A member connected. */
  onMember: () => void
}

export interface LinksComponents {
  node: MeshNode
  peers: Peers
  dialer: Dialer
  heartbeats: Heartbeats
  inbox: Inbox
  counters: Counters
  logger: Logger
  clock?: Clock
}

export interface Links {
  /** Reads a connected peer's capabilities, again or for the first time. */
  meet(peerId: string): Promise<void>
  /** Gossip with it is dead: closes its connections, so that it is dialled anew. */
  silent(peerId: string): void
  /** Addresses of live connections, and the last round trip. */
  live(peerId: string): { addresses: string[]; rttMs: number | undefined }
}

export function createLinks(init: LinksInit, components: LinksComponents): Links {
  const { protocol, signal, onMember } = init
  const { node, peers, dialer, heartbeats, counters, logger, clock = systemClock } = components
  const greeting = new Set<string>()
  const rtts = new Map<string, number>()

  const connections = (peerId: string) => node.getConnections(peerIdFromString(peerId))

  async function meet(peerId: string): Promise<void> {
    if (greeting.has(peerId)) return
    greeting.add(peerId)
    try {
      const result = await greet(peerId, { ...components, protocol, clock, signal })
      if (result.is === 'refused') dialer.refused(peerId)
      if (result.is !== 'member') return
      if (result.capabilities !== undefined) peers.announced(peerId, result.capabilities)
      if (connections(peerId).length === 0) return
      dialer.connected(peerId)
      if (!peers.isConnected(peerId)) heartbeats.connected(peerId)
      peers.connected(peerId)
      onMember()
    } finally {
      greeting.delete(peerId)
    }
    await measure(peerId)
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
    peers.disconnected(peerId)
    dialer.lost(peerId)
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
    meet,
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
