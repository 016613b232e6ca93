/** What a peer may send and hold here: messages per second, requests of one origin and by one peer. */
import { RecentMap, type Clock } from '../util/index.ts'
import {
  BURST,
  MAX_NOTED,
  MAX_PEERS,
  MAX_PER_ORIGIN,
  MAX_PER_PEER,
  MAX_REQUESTS,
  PER_SECOND,
} from './limits.ts'

const NOTED_MS = 60_000

/** Why a request finds no place, or undefined. `held`: those that are not ended. */
export function noPlace(
  held: readonly { origin: string; from: string }[],
  { origin, from }: { origin: string; from: string },
): string | undefined {
  if (held.length >= MAX_REQUESTS) return 'full'
  if (held.filter((one) => one.origin === origin).length >= MAX_PER_ORIGIN) return 'full-origin'
  if (held.filter((one) => one.from === from).length >= MAX_PER_PEER) return 'full-peer'
  return undefined
}

interface Bucket {
  left: number
  at: number
}

/** A bucket for each peer that is full at first and fills up again. */
export function createGate(clock: Clock) {
  const messages = new RecentMap<string, Bucket>(MAX_PEERS)
  const notes = new RecentMap<string, Bucket>(MAX_PEERS)
  const take = (
    buckets: RecentMap<string, Bucket>,
    peerId: string,
    { most, perMs }: { most: number; perMs: number },
  ): boolean => {
    const now = clock.monotonic()
    const { left, at } = buckets.get(peerId) ?? { left: most, at: now }
    const filled = Math.min(most, left + (now - at) * perMs)
    buckets.set(peerId, { left: filled < 1 ? filled : filled - 1, at: now })
    return filled >= 1
  }
  return {
    mayPass: (peerId: string) => take(messages, peerId, { most: BURST, perMs: PER_SECOND / 1_000 }),
    /** Whether one more discarded request of that peer is written down. */
    mayNote: (peerId: string) =>
      take(notes, peerId, { most: MAX_NOTED, perMs: MAX_NOTED / NOTED_MS }),
  }
}
