/**
 * How well this process itself is (Lifeguard's local health): one that runs late, or whose own
 * messages get lost, sees everyone else as slow and must be patient. 0 is well, 8 is ill; patience is
 * one more. Pure.
 */
export const WORST = 8

export type Note =
  /** A timer came late by so much, ms. */
  | { is: 'late'; ms: number }
  /** Timers have been in time for a while. */
  | { is: 'in time' }
  /** Members that are alive did not answer. */
  | { is: 'unheard' }
  /** What this one asked for was answered. */
  | { is: 'answered' }

/** Lateness that counts, ms. */
export const LATE_MS = 500
const VERY_LATE_MS = 3000

export function judge(score: number, note: Note): number {
  const change = weigh(note)
  return Math.min(WORST, Math.max(0, score + change))
}

function weigh(note: Note): number {
  switch (note.is) {
    case 'late':
      return note.ms < LATE_MS ? 0 : note.ms < VERY_LATE_MS ? 1 : 3
    case 'unheard':
      return 1
    case 'in time':
    case 'answered':
      return -1
  }
}
