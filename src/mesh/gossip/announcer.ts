/**
 * Keeps the own capabilities, signed, and says when they go out: what matters within `coalesceMs`,
 * what only drifts at most every `driftMs`, what did not change never (see `material.ts`). Nothing is
 * repeated: the heartbeat names the newest announcement, and who lacks it asks for it. The sequence
 * rises with every announcement.
 */
import { systemClock, type Clock, type Startable } from '../../util/index.ts'
import type { Signed } from './announcement.ts'
import { weigh } from './material.ts'
import type { Capabilities, LocalCapabilities } from '../wire.ts'

export interface AnnouncerInit {
  /** What does not change while the process runs. */
  fixed: Pick<Capabilities, 'peerId' | 'name' | 'version' | 'incarnation' | 'startedAt' | 'roles'>
  local: LocalCapabilities
  driftMs: number
  coalesceMs: number
  sign: (capabilities: Capabilities) => Promise<Signed>
  /** Sends an announcement to all. */
  send: (signed: Signed) => Promise<void>
  onError: (error: unknown) => void
}

export interface Announcer extends Startable {
  change(change: Partial<LocalCapabilities>): void
  /** As announced last; before the first announcement, what it will say. */
  last(): Capabilities
  /** As announced last, signed. */
  signed(): Promise<Signed>
  /** For a direct read: what waits goes out first. */
  fresh(): Promise<Signed>
  /** Announces again: nobody was there to hear it. */
  again(): void
}

export function createAnnouncer(
  { fixed, local, driftMs, coalesceMs, sign, send, onError }: AnnouncerInit,
  { clock = systemClock }: { clock?: Clock } = {},
): Announcer {
  let current = local
  /** As announced last. */
  let told = local
  let running = false
  let sequence = 0
  let announcedAt = -Infinity
  let waiting: { at: number; cancel: () => void } | undefined
  let announced: Promise<Signed> | undefined
  let capabilities = stamp()

  function stamp(): Capabilities {
    return { ...current, ...fixed, v: 1, sequence, issuedAt: clock.now() }
  }

  async function announce(): Promise<void> {
    waiting?.cancel()
    waiting = undefined
    sequence += 1
    announcedAt = clock.monotonic()
    told = current
    capabilities = stamp()
    const next = sign(capabilities)
    announced = next
    const ready = await next
    if (announced === next) await send(ready)
  }

  const signed = () => announced ?? sign(capabilities)

  function within(ms: number): void {
    const at = clock.monotonic() + ms
    if (!running || (waiting !== undefined && waiting.at <= at)) return
    waiting?.cancel()
    waiting = { at, cancel: clock.after(ms, () => void announce().catch(onError)) }
  }

  return {
    async start() {
      if (running) return
      running = true
      void announce().catch(onError)
    },
    async stop() {
      running = false
      waiting?.cancel()
      waiting = undefined
    },
    change(change) {
      current = { ...current, ...change }
      const weight = weigh(told, current)
      if (weight === 'material') within(coalesceMs)
      if (weight === 'drift') {
        within(Math.max(coalesceMs, announcedAt + driftMs - clock.monotonic()))
      }
    },
    last: () => capabilities,
    signed,
    fresh() {
      if (waiting !== undefined) void announce().catch(onError)
      return signed()
    },
    again: () => within(coalesceMs),
  }
}
