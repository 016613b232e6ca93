/**
 * Who looks at a repository's issues, and when. Pure: who is there, what was heard and the own clock
 * come in; a choice and its reason go out.
 *
 * Of the connected workers that serve the repository, the one with the highest rendezvous weight
 * polls, and says what it found. The second is its standby after two ticks of silence, the third
 * after three, and so on. Everybody looks now and then by itself (the safety look), so that a poller
 * that lies or is cut off can only delay. Where the mesh is split, each part has a poller: the claim
 * refs decide, polling never does.
 */
import { sha256 } from '../../util/index.ts'

/** Of an agent for a repository. */
export type Role = 'polls' | 'stands by' | 'follows'

export interface Place {
  /** 0 polls, 1 stands by. */
  place: number
  /** Workers that serve the repository, this one included. */
  of: number
}

/** `others`: peer ids of the connected workers that serve the repository. */
export function placeOf(repo: string, self: string, others: readonly string[]): Place {
  const weight = (peerId: string) => sha256(`poll ${repo.toLowerCase()} ${peerId}`)
  const own = weight(self)
  return { place: others.filter((other) => weight(other) > own).length, of: others.length + 1 }
}

/** Where the polling of all but the poller together would cost more than its own, it is stretched. */
const maxSafetyStretch = 6

/** Mean pause between two safety looks, ms: longer in a large mesh, so that their sum stays as it is. */
export const safetySpan = (
  { safetyMs, pollMs }: { safetyMs: number; pollMs: number },
  workers: number,
): number => Math.min(Math.max(safetyMs, workers * pollMs), maxSafetyStretch * safetyMs)

/** Part by which a pause between safety looks differs from the mean. */
const safetyJitter = 0.1

export const safetyPause = (
  times: { safetyMs: number; pollMs: number },
  workers: number,
  random: () => number,
): number => safetySpan(times, workers) * (1 - safetyJitter + 2 * safetyJitter * random())

/** The longest of these pauses, ms: what was heard need not be looked into before. */
export const longestSafetyPause = (
  times: { safetyMs: number; pollMs: number },
  workers: number,
): number => safetySpan(times, workers) * (1 + safetyJitter)

/** Pause between safety looks when none is given, in pauses between looks. */
const safetyPolls = 10

/** Longest pause between two looks of one's own in a small mesh, ms. */
export const safetyOf = ({ safetyMs, pollMs }: { safetyMs?: number; pollMs: number }): number =>
  safetyMs ?? safetyPolls * pollMs

export interface PollInput extends Place {
  /** Own monotonic clock, ms, as all times here. */
  now: number
  pollMs: number
  /** Of the next safety look. */
  safetyAt: number
  listedAt: number
  /** Last tick of somebody who is placed before this agent, or since when there is one. */
  heardAt: number
  /** Pause between ticks that it promised. */
  everyMs: number
  /** Pause between looks while webhooks arrive or the limit is near, as a multiple of `pollMs`. */
  stretch: number
  /** Somebody or something asks for a look now. */
  asked: boolean
}

export type Why = 'asked' | 'alone' | 'poller' | 'standby' | 'safety'
export type Poll = { list: true; why: Why } | { list: false; why: 'follows' | 'rests' }

/** Part of a pause after which it counts as over: turns come a little early by their jitter. */
const early = 0.7

export function pollNow(input: PollInput): Poll {
  const { now, place, of, pollMs, listedAt, stretch } = input
  if (input.asked) return { list: true, why: 'asked' }
  if (now >= input.safetyAt) return { list: true, why: 'safety' }
  const rested = now - listedAt >= early * pollMs * stretch
  if (place === 0) {
    if (!rested) return { list: false, why: 'rests' }
    return { list: true, why: of === 1 ? 'alone' : 'poller' }
  }
  if (!isSilent(input)) return { list: false, why: 'follows' }
  return rested ? { list: true, why: 'standby' } : { list: false, why: 'rests' }
}

/** Those who are placed before this agent were silent for too long: it does their part. */
export function isSilent({
  now,
  place,
  pollMs,
  heardAt,
  everyMs,
}: Pick<PollInput, 'now' | 'place' | 'pollMs' | 'heardAt' | 'everyMs'>): boolean {
  return place > 0 && now - heardAt > (place + 1) * Math.max(pollMs, everyMs)
}
