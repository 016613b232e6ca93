/**
 * Finds links on which gossip is dead though the connection lives: a gossipsub stream that was
 * reset stays dead for ever, while peers, mesh and subscribers look normal. Everyone publishes a
 * heartbeat; a connected peer that is silent for three intervals is reported, and the mesh closes
 * the connection and dials again.
 */
import { repeat, systemClock, type Clock, type Startable } from '../util/index.ts'
import type { Heartbeat } from './wire.ts'

/** Intervals of silence until a link counts as dead. */
export const MAX_SILENT_INTERVALS = 3

export interface HeartbeatInit {
  incarnation: string
  intervalMs: number
  publish: (heartbeat: Heartbeat) => Promise<void>
  onSilent: (peerId: string) => void
  onError: (error: unknown) => void
}

export interface Heartbeats extends Startable {
  connected(peerId: string): void
  disconnected(peerId: string): void
  heard(peerId: string): void
}

/** Peers that were silent too long. Pure. `heardAt`: monotonic ms by peer. */
export function silentPeers(
  heardAt: ReadonlyMap<string, number>,
  now: number,
  intervalMs: number,
): string[] {
  const limit = MAX_SILENT_INTERVALS * intervalMs
  return [...heardAt].filter(([, at]) => now - at > limit).map(([peerId]) => peerId)
}

export function createHeartbeats(
  { incarnation, intervalMs, publish, onSilent, onError }: HeartbeatInit,
  { clock = systemClock }: { clock?: Clock } = {},
): Heartbeats {
  const heardAt = new Map<string, number>()
  let sequence = 0
  let beatAt = clock.monotonic()

  async function beat(): Promise<void> {
    const now = clock.monotonic()
    // After a pause of this process (SIGSTOP, sleep) everyone seems silent: give them time again.
    const paused = now - beatAt > 2 * intervalMs
    beatAt = now
    if (paused) for (const peerId of heardAt.keys()) heardAt.set(peerId, now)
    for (const peerId of silentPeers(heardAt, now, intervalMs)) {
      heardAt.delete(peerId)
      onSilent(peerId)
    }
    sequence += 1
    await publish({ v: 1, incarnation, sequence, at: clock.now() })
  }

  const loop = repeat(beat, { everyMs: intervalMs, maxDelayMs: intervalMs, onError, clock })
  return {
    async start() {
      beatAt = clock.monotonic()
      await loop.start()
    },
    async stop() {
      await loop.stop()
      heardAt.clear()
    },
    connected: (peerId) => void heardAt.set(peerId, clock.monotonic()),
    disconnected: (peerId) => void heardAt.delete(peerId),
    heard(peerId) {
      if (heardAt.has(peerId)) heardAt.set(peerId, clock.monotonic())
    },
  }
}
