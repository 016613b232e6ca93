/**
 * Keeps the own capabilities and says when they go out: changes within `coalesceMs` as one
 * announcement, and a repetition every `intervalMs` with jitter, so that peers that missed one
 * catch up and the entry does not expire. The sequence rises with every announcement.
 */
import { repeat, systemClock, type Clock, type Startable } from '../util/index.ts'
import type { Capabilities, LocalCapabilities } from './wire.ts'

export interface AnnouncerInit {
  /** What does not change while the process runs. */
  fixed: Pick<Capabilities, 'peerId' | 'name' | 'version' | 'incarnation' | 'startedAt' | 'roles'>
  local: LocalCapabilities
  /** Life of an announcement at its receivers, ms. */
  lifetimeMs: number
  intervalMs: number
  coalesceMs: number
  /** Sends an announcement to all. */
  send: (capabilities: Capabilities) => Promise<void>
  onError: (error: unknown) => void
}

export interface Announcer extends Startable {
  change(change: Partial<LocalCapabilities>): void
  /** As announced last; before the first announcement, what it will say. */
  last(): Capabilities
  /** For a direct read: waiting changes go out first; the life starts now. */
  fresh(): Capabilities
}

export function createAnnouncer(
  { fixed, local, lifetimeMs, intervalMs, coalesceMs, send, onError }: AnnouncerInit,
  { clock = systemClock }: { clock?: Clock } = {},
): Announcer {
  let current = local
  let running = false
  let cancel: (() => void) | undefined
  let announced = stamp(0)

  function stamp(sequence: number): Capabilities {
    const issuedAt = clock.now()
    return { ...current, ...fixed, v: 1, sequence, issuedAt, expiresAt: issuedAt + lifetimeMs }
  }

  async function announce(): Promise<void> {
    cancel?.()
    cancel = undefined
    announced = stamp(announced.sequence + 1)
    await send(announced)
  }

  const loop = repeat(announce, { everyMs: intervalMs, maxDelayMs: intervalMs, onError, clock })

  return {
    async start() {
      running = true
      await loop.start()
    },
    async stop() {
      running = false
      cancel?.()
      cancel = undefined
      await loop.stop()
    },
    change(change) {
      current = { ...current, ...change }
      if (running) cancel ??= clock.after(coalesceMs, () => void announce().catch(onError))
    },
    last: () => announced,
    fresh() {
      if (cancel !== undefined) void announce().catch(onError)
      return { ...stamp(announced.sequence) }
    },
  }
}
