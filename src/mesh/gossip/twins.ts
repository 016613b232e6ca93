/**
 * Notices that two processes run under one identity at once: a copied home beside its original. Each
 * heartbeat names the incarnation that sent it, and counts up; so does identify on each connection,
 * without counting: gossip goes to one of two twins only, and the other dials again and again. After a
 * restart the old incarnation falls silent for good; of twins both go on, so that the speaker changes
 * back again and again.
 *
 * Only numbers that rise count: an old heartbeat that someone repeats does not. A member who kept
 * heartbeats of a dead process back could raise a false alarm, and nothing more than the alarm.
 */
import { RecentMap } from '../../util/index.ts'

/** So many returns of an incarnation that another had followed make twins; one late heartbeat makes two. */
const returnsNeeded = 3
/** They count for so long, and twins are believed in for so long after the last, ms: of two processes that share their links to a peer each is heard only until the other dials anew. */
const memoryMs = 5 * 60_000
const maxPeers = 1_000
const maxIncarnations = 4

export interface Voice {
  incarnation: string
  /** Of a message that anyone may repeat. Undefined when the peer itself said it just now. */
  sequence?: number
}

interface Heard {
  /** The one that spoke last first. */
  voices: Required<Voice>[]
  /** Monotonic ms of the latest returns. */
  returns: number[]
}

export interface Twins {
  /** `now`: monotonic ms. True when the peer just turned out to be two. */
  heard(peerId: string, voice: Voice, now: number): boolean
  /** Peers that are two. */
  list(now: number): string[]
}

export function createTwins(): Twins {
  const peers = new RecentMap<string, Heard>(maxPeers)
  const isTwo = ({ returns }: Heard, now: number) =>
    returns.filter((at) => now - at <= memoryMs).length >= returnsNeeded

  return {
    heard(peerId, { incarnation, sequence }, now) {
      const known = peers.get(peerId) ?? { voices: [], returns: [] }
      const voice = known.voices.find((one) => one.incarnation === incarnation)
      const last = voice?.sequence ?? -1
      if (sequence !== undefined && sequence <= last) return false
      const isReturn = voice !== undefined && known.voices[0] !== voice
      const others = known.voices.filter((one) => one !== voice)
      const next: Heard = {
        voices: [{ incarnation, sequence: sequence ?? last }, ...others].slice(0, maxIncarnations),
        returns: isReturn ? [now, ...known.returns].slice(0, returnsNeeded) : known.returns,
      }
      peers.set(peerId, next)
      return isTwo(next, now) && !isTwo(known, now)
    },
    list: (now) => [...peers].flatMap(([peerId, heard]) => (isTwo(heard, now) ? [peerId] : [])),
  }
}
