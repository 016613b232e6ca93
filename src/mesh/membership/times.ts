/**
 * What time it is, for decisions about records. Pure.
 *
 * Members say their time in every heartbeat. Where most of them agree, and this machine's clock does
 * not, its clock is wrong; then a record is looked at by both times, and what either of them lets
 * count does. So a wrong clock puts nobody out, and makes nobody wait, and a mesh that lies about the
 * time can keep an ended record in force for a while and nothing else: removals ask no clock.
 *
 *     own clock 11:00, five others 12:00      records dated up to 12:05 are taken; ended by 11:00 is ended
 *     own clock 13:00, five others 12:00      what ends at 12:30 is still in force
 *
 * A clock in doubt admits nobody and renews nothing; other signers do.
 */
import {
  CLOCK_SKEW_MS,
  LEAST_WITNESSES,
  MAX_CLOCK_AHEAD_MS,
  MAX_CLOCK_BEHIND_MS,
} from './limits.ts'

/** How far members' clocks are from the own one. */
export interface ClockHint {
  /** What most members say less what the own clock says, ms: positive when the own one is behind. */
  offsetMs: number
  /** Members that say so. */
  members: number
}

export interface Times {
  /** For dates of statements that are signed here, ms since 1970. */
  now: number
  /** A record that ended after this is in force. */
  earliest: number
  /** A record dated before this is not ahead. */
  latest: number
  /** Set when the own clock is wrong by more than honest clocks are. */
  doubt: ClockHint | undefined
}

/**
 * What the others say, each as its time less the own, ms. Undefined when they do not agree, are too
 * few, or agree with the own clock: its own word counts as one. Of two it cannot be told who is wrong.
 */
export function judgeClock(offsets: readonly number[]): ClockHint | undefined {
  const all = [0, ...offsets].sort((a, b) => a - b)
  const offsetMs = all[Math.floor(all.length / 2)] ?? 0
  if (Math.abs(offsetMs) <= CLOCK_SKEW_MS) return undefined
  const members = all.filter((one) => Math.abs(one - offsetMs) <= CLOCK_SKEW_MS).length
  if (members < LEAST_WITNESSES || members * 2 <= all.length) return undefined
  return { offsetMs, members }
}

export function timesOf(own: number, hint: ClockHint | undefined): Times {
  if (hint === undefined) return { now: own, earliest: own, latest: own, doubt: undefined }
  const { offsetMs } = hint
  const isUsed = offsetMs <= MAX_CLOCK_AHEAD_MS && offsetMs >= -MAX_CLOCK_BEHIND_MS
  return {
    now: isUsed ? own + offsetMs : own,
    earliest: own + Math.max(-MAX_CLOCK_BEHIND_MS, Math.min(0, offsetMs)),
    latest: own + Math.min(MAX_CLOCK_AHEAD_MS, Math.max(0, offsetMs)),
    doubt: hint,
  }
}
