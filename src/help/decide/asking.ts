/**
 * Asking others in waves, the same for the origin and a peer that forwards: a few at once, the next
 * when all of them declined or were not reached, or when there is no sign for too long: whoever took the
 * request may have offered, which a peer that forwards does not hear. Pure; times are monotonic, ms.
 */
import { FAN_OUT, MAX_ASKED, STAGE_MS } from '../limits.ts'
import type { Candidate } from './whom.ts'

export interface Asking {
  /** Best first. */
  readonly next: readonly Candidate[]
  /** Sent, and no word yet. */
  readonly waiting: readonly string[]
  /** All to whom it was sent, ever. */
  readonly asked: readonly string[]
  /** When the next are asked although those before gave no sign. */
  readonly stageAt: number
}

export const beginAsking = (candidates: readonly Candidate[], now: number): Asking => ({
  next: candidates.slice(0, MAX_ASKED),
  waiting: [],
  asked: [],
  stageAt: now + STAGE_MS,
})

/** Whom to send it now. After a stage without a sign, one more although others wait. */
export function wave(asking: Asking, now: number): { asking: Asking; send: readonly Candidate[] } {
  const late = now >= asking.stageAt
  const places = asking.waiting.length === 0 ? FAN_OUT : late ? 1 : 0
  const send = asking.next.slice(0, places)
  if (send.length === 0) return { asking, send }
  const ids = send.map(({ peerId }) => peerId)
  return {
    asking: {
      next: asking.next.slice(send.length),
      waiting: [...asking.waiting, ...ids],
      asked: [...asking.asked, ...ids],
      stageAt: now + STAGE_MS,
    },
    send,
  }
}

/** That peer declined, or was not reached: nobody waits for it. */
export const without = (asking: Asking, peerId: string): Asking => ({
  ...asking,
  waiting: asking.waiting.filter((one) => one !== peerId),
})

/** Nobody is left to wait for or to ask. */
export const isSpent = ({ next, waiting }: Asking): boolean =>
  next.length === 0 && waiting.length === 0
