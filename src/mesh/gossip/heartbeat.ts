/**
 * Finds links on which gossip is dead though the connection lives: a gossipsub stream that was
 * reset stays dead for ever, while peers, mesh and subscribers look normal. Everyone publishes a
 * heartbeat; a connected peer that is silent for three of its intervals is reported, and the mesh
 * closes the connection and dials again.
 *
 * With many connections the pause grows in proportion, so that a node sends about as many bytes in a
 * mesh of 100 as in one of 16; each heartbeat says how long the next one takes.
 */
import { repeat, systemClock, type Clock, type Startable } from '../../util/index.ts'
import type { Heartbeat } from '../wire.ts'

/** Intervals of silence until a link counts as dead. */
export const MAX_SILENT_INTERVALS = 3
/** Connections up to which the interval is as configured. */
export const FREE_CONNECTIONS = 16
/** Longest interval by stretching, ms: a dead link is found within a minute. */
const MAX_STRETCHED_MS = 20_000
/** What a peer's word on its interval counts at most, ms. */
const MAX_BELIEVED_MS = 60_000

export interface HeartbeatInit {
  incarnation: string
  intervalMs: number
  /** `startedAt` and `sequence` of the own newest announcement. */
  newest: () => { startedAt: number; sequence: number }
  publish: (heartbeat: Heartbeat) => Promise<void>
  onSilent: (peerId: string) => void
  onError: (error: unknown) => void
}

export interface Heartbeats extends Startable {
  connected(peerId: string): void
  disconnected(peerId: string): void
  /** `everyMs`: the peer's own word on its interval. */
  heard(peerId: string, everyMs: number): void
  /** Ms since a connected peer was heard by gossip; undefined for others. */
  silentFor(peerId: string): number | undefined
  /** The last word before a stop in good order. */
  goodbye(): Promise<void>
}

interface Heard {
  /** Monotonic, ms. */
  at: number
  everyMs: number
}

/** Interval with so many connections, ms. Pure. */
export function stretched(intervalMs: number, connections: number): number {
  const longest = Math.max(intervalMs, MAX_STRETCHED_MS)
  return Math.min(longest, intervalMs * Math.max(1, connections / FREE_CONNECTIONS))
}

/** Peers that were silent too long. Pure. */
export function silentPeers(heard: ReadonlyMap<string, Heard>, now: number): string[] {
  return [...heard]
    .filter(([, { at, everyMs }]) => now - at > MAX_SILENT_INTERVALS * everyMs)
    .map(([peerId]) => peerId)
}

export function createHeartbeats(
  { incarnation, intervalMs, newest, publish, onSilent, onError }: HeartbeatInit,
  { clock = systemClock }: { clock?: Clock } = {},
): Heartbeats {
  const heard = new Map<string, Heard>()
  let sequence = 0
  let beatAt = -Infinity
  let lookedAt = clock.monotonic()

  const everyMs = () => Math.round(stretched(intervalMs, heard.size))

  function heartbeat(): Heartbeat {
    sequence += 1
    const { startedAt, sequence: announced } = newest()
    const at = clock.now()
    return { v: 1, incarnation, sequence, at, everyMs: everyMs(), startedAt, announced }
  }

  async function look(): Promise<void> {
    const now = clock.monotonic()
    // After a pause of this process (SIGSTOP, sleep) everyone seems silent: give them time again.
    const paused = now - lookedAt > 2 * intervalMs
    lookedAt = now
    if (paused) for (const at of heard.values()) at.at = now
    for (const peerId of silentPeers(heard, now)) {
      heard.delete(peerId)
      onSilent(peerId)
    }
    // Turns come up to a fifth early.
    if (now - beatAt < 0.8 * everyMs()) return
    beatAt = now
    await publish(heartbeat())
  }

  const loop = repeat(look, { everyMs: intervalMs, maxDelayMs: intervalMs, onError, clock })
  return {
    async start() {
      lookedAt = clock.monotonic()
      beatAt = -Infinity
      await loop.start()
    },
    async stop() {
      await loop.stop()
      heard.clear()
    },
    connected: (peerId) => void heard.set(peerId, { at: clock.monotonic(), everyMs: intervalMs }),
    disconnected: (peerId) => void heard.delete(peerId),
    heard(peerId, theirs) {
      if (!heard.has(peerId)) return
      const believed = Math.min(MAX_BELIEVED_MS, Math.max(intervalMs, theirs))
      heard.set(peerId, { at: clock.monotonic(), everyMs: believed })
    },
    silentFor(peerId) {
      const last = heard.get(peerId)
      return last && clock.monotonic() - last.at
    },
    goodbye: () => publish({ ...heartbeat(), leaving: true }),
  }
}
