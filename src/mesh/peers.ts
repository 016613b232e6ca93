/**
 * The peers met in this run: who is connected, what they announced, when they were last heard.
 *
 *              connect            disconnect             capabilities expire
 *   (unknown) ─────────▶ connected ─────────▶ remembered ─────────────────▶ (unknown)
 *       └── capabilities by gossip ──────────────▲
 */
import type { EventEmitter } from 'node:events'
import { explain, systemClock, type Clock, type Logger } from '../util/index.ts'
import type { MeshEvents, MeshPeer } from './types.ts'
import type { Capabilities } from './wire.ts'

/** Peers that are not connected but remembered; beyond it, the one that expires first goes. */
export const MAX_REMEMBERED_PEERS = 1000

export interface Peers {
  list(): MeshPeer[]
  get(peerId: string): MeshPeer | undefined
  isConnected(peerId: string): boolean
  connected(peerId: string): void
  disconnected(peerId: string): void
  /** A sign of life. */
  heard(peerId: string): void
  announced(peerId: string, capabilities: Capabilities): void
  /** No member any more: drops it. */
  removed(peerId: string): void
  /** Drops who is gone; returns the connected peers whose capabilities expired. */
  sweep(): string[]
}

export interface PeersComponents {
  events: EventEmitter<MeshEvents>
  /** What libp2p knows of a peer now. */
  live: (peerId: string) => { addresses: string[]; rttMs: number | undefined }
  /** Roles that the mesh grants; what a peer says beyond them does not count. */
  granted: (peerId: string) => readonly string[]
  logger: Logger
  clock?: Clock
}

interface Entry {
  connected: boolean
  capabilities: Capabilities | undefined
  /** Monotonic; when the capabilities end. */
  expiresAt: number
  lastSeenMs: number
}

export function createPeers(components: PeersComponents): Peers {
  const { events, live, granted, logger, clock = systemClock } = components
  const entries = new Map<string, Entry>()

  function entry(peerId: string): Entry {
    let found = entries.get(peerId)
    if (found === undefined) {
      found = { connected: false, capabilities: undefined, expiresAt: 0, lastSeenMs: clock.now() }
      entries.set(peerId, found)
    }
    return found
  }

  function rolesOf(peerId: string, { capabilities }: Entry): string[] {
    const own = granted(peerId)
    return (capabilities?.roles ?? []).filter((role) => own.includes(role))
  }

  function view(peerId: string, at: Entry): MeshPeer {
    const { addresses, rttMs } = live(peerId)
    return {
      peerId,
      connected: at.connected,
      roles: rolesOf(peerId, at),
      addresses,
      lastSeenMs: at.lastSeenMs,
      ...(at.capabilities && { name: at.capabilities.name, capabilities: at.capabilities }),
      ...(rttMs !== undefined && { rttMs }),
    }
  }

  function emit(event: keyof MeshEvents, peerId: string, at: Entry): void {
    try {
      events.emit(event, view(peerId, at))
    } catch (error) {
      logger.error({ event, peerId, error: explain(error) }, 'a listener failed')
    }
  }

  function makeRoom(): void {
    const remembered = [...entries].filter(([, at]) => !at.connected)
    if (remembered.length <= MAX_REMEMBERED_PEERS) return
    const first = remembered.reduce((a, b) => (b[1].expiresAt < a[1].expiresAt ? b : a))
    lose(first[0], first[1])
  }

  function lose(peerId: string, at: Entry): void {
    entries.delete(peerId)
    emit('peer:lost', peerId, at)
  }

  return {
    list: () => [...entries].map(([peerId, at]) => view(peerId, at)),
    get(peerId) {
      const at = entries.get(peerId)
      return at && view(peerId, at)
    },
    isConnected: (peerId) => entries.get(peerId)?.connected === true,
    connected(peerId) {
      const at = entry(peerId)
      at.lastSeenMs = clock.now()
      if (at.connected) return
      at.connected = true
      emit('peer:connect', peerId, at)
    },
    disconnected(peerId) {
      const at = entries.get(peerId)
      if (at?.connected !== true) return
      at.connected = false
      emit('peer:disconnect', peerId, at)
      makeRoom()
    },
    heard(peerId) {
      const at = entries.get(peerId)
      if (at !== undefined) at.lastSeenMs = clock.now()
    },
    announced(peerId, capabilities) {
      const at = entry(peerId)
      at.capabilities = capabilities
      at.expiresAt = clock.monotonic() + (capabilities.expiresAt - capabilities.issuedAt)
      at.lastSeenMs = clock.now()
      emit('peer:update', peerId, at)
      makeRoom()
    },
    removed(peerId) {
      this.disconnected(peerId)
      const at = entries.get(peerId)
      if (at !== undefined) lose(peerId, at)
    },
    sweep() {
      const now = clock.monotonic()
      const stale: string[] = []
      for (const [peerId, at] of entries) {
        if (at.expiresAt > now) continue
        if (at.connected) stale.push(peerId)
        else lose(peerId, at)
      }
      return stale
    },
  }
}
