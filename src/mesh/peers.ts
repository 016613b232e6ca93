/**
 * The peers met in this run: who is connected, what they announced, when they were last heard, and
 * whether they are alive (`presence/`).
 *
 *              connect            disconnect              gone for `keepGoneMs`
 *   (unknown) ─────────▶ connected ─────────▶ remembered ─────────────────────▶ (unknown)
 *       └── announcement by gossip or another ────▲
 */
import type { EventEmitter } from 'node:events'
import { explain, systemClock, type Clock, type Logger } from '../util/index.ts'
import type { Signed } from './gossip/announcement.ts'
import type { View } from './presence/index.ts'
import type { MeshEvents, MeshPeer } from './types.ts'

/** Peers that are not connected but remembered; beyond it, the one heard of least recently goes. */
export const MAX_REMEMBERED_PEERS = 1000

export interface Peers {
  list(): MeshPeer[]
  get(peerId: string): MeshPeer | undefined
  isKnown(peerId: string): boolean
  isConnected(peerId: string): boolean
  /** Peer ids of those that are connected and alive. */
  neighbours(): string[]
  connected(peerId: string): void
  disconnected(peerId: string): void
  /** A sign of life. `agoMs`: how long ago. */
  heard(peerId: string, agoMs?: number): void
  announced(signed: Signed): void
  /** What they announced last, as signed by them, of all that are not gone. */
  announcements(): Signed[]
  /** Its presence is another than before. */
  changed(peerId: string, before: MeshPeer['presence']): void
  /** No member any more: drops it. */
  removed(peerId: string): void
  /** Drops who has been gone for long. */
  sweep(): void
}

export interface PeersInit {
  /** How long one that is gone is remembered, ms. */
  keepGoneMs: number
}

export interface PeersComponents {
  events: EventEmitter<MeshEvents>
  /** What libp2p knows of a peer now. */
  live: (peerId: string) => { addresses: string[]; rttMs: number | undefined }
  presence: (peerId: string) => View | undefined
  /** Roles that the mesh grants; what a peer says beyond them does not count. */
  granted: (peerId: string) => readonly string[]
  /** It is not remembered any more. */
  onLost: (peerId: string) => void
  logger: Logger
  clock?: Clock
}

interface Entry {
  connected: boolean
  signed: Signed | undefined
  lastSeenMs: number
}

export function createPeers({ keepGoneMs }: PeersInit, components: PeersComponents): Peers {
  const { events, live, presence, granted, onLost, logger, clock = systemClock } = components
  const entries = new Map<string, Entry>()

  function entry(peerId: string): Entry {
    let found = entries.get(peerId)
    if (found === undefined) {
      found = { connected: false, signed: undefined, lastSeenMs: clock.now() }
      entries.set(peerId, found)
    }
    return found
  }

  function rolesOf(peerId: string, { signed }: Entry): string[] {
    const own = granted(peerId)
    return (signed?.capabilities.roles ?? []).filter((role) => own.includes(role))
  }

  function view(peerId: string, at: Entry): MeshPeer {
    const { addresses, rttMs } = live(peerId)
    const capabilities = at.signed?.capabilities
    const now = presence(peerId)
    return {
      peerId,
      connected: at.connected,
      presence: now?.presence ?? (at.connected ? 'alive' : 'gone'),
      roles: rolesOf(peerId, at),
      addresses,
      lastSeenMs: at.lastSeenMs,
      ...(now?.why !== undefined && { goneBecause: now.why }),
      ...(capabilities && { name: capabilities.name, capabilities }),
      ...(rttMs !== undefined && { rttMs }),
    }
  }

  function emit(tell: () => void, peerId: string): void {
    try {
      tell()
    } catch (error) {
      logger.error({ peerId, error: explain(error) }, 'a listener failed')
    }
  }

  function makeRoom(): void {
    const remembered = [...entries].filter(([, at]) => !at.connected)
    if (remembered.length <= MAX_REMEMBERED_PEERS) return
    const first = remembered.reduce((a, b) => (b[1].lastSeenMs < a[1].lastSeenMs ? b : a))
    lose(first[0], first[1])
  }

  function lose(peerId: string, at: Entry): void {
    const last = view(peerId, at)
    entries.delete(peerId)
    onLost(peerId)
    emit(() => events.emit('peer:lost', last), peerId)
  }

  return {
    list: () => [...entries].map(([peerId, at]) => view(peerId, at)),
    get(peerId) {
      const at = entries.get(peerId)
      return at && view(peerId, at)
    },
    isKnown: (peerId) => entries.has(peerId),
    isConnected: (peerId) => entries.get(peerId)?.connected === true,
    neighbours: () =>
      [...entries].flatMap(([peerId, at]) =>
        at.connected && presence(peerId)?.presence === 'alive' ? [peerId] : [],
      ),
    connected(peerId) {
      const at = entry(peerId)
      at.lastSeenMs = clock.now()
      if (at.connected) return
      at.connected = true
      emit(() => events.emit('peer:connect', view(peerId, at)), peerId)
    },
    disconnected(peerId) {
      const at = entries.get(peerId)
      if (at?.connected !== true) return
      at.connected = false
      emit(() => events.emit('peer:disconnect', view(peerId, at)), peerId)
      makeRoom()
    },
    heard(peerId, agoMs = 0) {
      const at = entries.get(peerId)
      if (at !== undefined) at.lastSeenMs = Math.max(at.lastSeenMs, clock.now() - agoMs)
    },
    announced(signed) {
      const { peerId } = signed.capabilities
      const at = entry(peerId)
      at.signed = signed
      emit(() => events.emit('peer:update', view(peerId, at)), peerId)
      makeRoom()
    },
    announcements: () =>
      [...entries].flatMap(([peerId, { signed }]) =>
        signed === undefined || presence(peerId)?.presence === 'gone' ? [] : [signed],
      ),
    changed(peerId, before) {
      const at = entries.get(peerId)
      if (at !== undefined) {
        emit(() => events.emit('peer:presence', view(peerId, at), before), peerId)
      }
    },
    removed(peerId) {
      this.disconnected(peerId)
      const at = entries.get(peerId)
      if (at !== undefined) lose(peerId, at)
    },
    sweep() {
      for (const [peerId, at] of entries) {
        if (at.connected) continue
        const now = presence(peerId)
        const isOver = now === undefined || (now.presence === 'gone' && now.sinceMs >= keepGoneMs)
        if (isOver) lose(peerId, at)
      }
    },
  }
}
