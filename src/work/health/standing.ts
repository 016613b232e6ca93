/**
 * How one executor of this agent stands, apart from whether it was found. A state and what moves it, pure:
 *
 *   ok ── quota, or the environment twice in a row ──► away ── its time is over, and it was found ──► trial
 *    ▲                                                  ▲ ▲                                           │ │
 *    │                                                  │ └──────────── it was not found              │ │
 *    │                                                  └────────── it failed so again ───────────────┘ │
 *    └────────────────────────────────────── it worked ─────────────────────────────────────────────────┘
 *
 * Each time away is twice as long as the one before, unless the model said when it may be asked again.
 */
export type Why = 'quota' | 'environment'

export type Standing =
  /** `last`: about what the last of the failures in a row was. */
  | { is: 'ok'; failures: number; last?: string }
  /** Times are wall clock, ms. `tries`: how often in a row. */
  | { is: 'away'; why: Why; reason: string; sinceMs: number; untilMs: number; tries: number }
  | { is: 'trial'; why: Why; reason: string; sinceMs: number; tries: number }

export const fresh: Standing = { is: 'ok', failures: 0 }

/** Failures in a row for the environment's sake after which an executor is left alone. */
const failuresToAway = 2
/** First and longest time away, ms. */
const firstAwayMs = { quota: 5 * 60_000, environment: 60_000 }
const longestAwayMs = 60 * 60_000
/** Longest time that a model's own word counts, ms. */
const longestQuotaMs = 24 * 60 * 60_000

export interface Setback {
  why: Why
  reason: string
  /** Wall clock, ms. */
  now: number
  /** When the model may be asked again, wall clock, ms. */
  retryAt?: number
  /** Failures about one and the same thing count once. */
  about?: string
}

export function afterSetback(standing: Standing, setback: Setback): Standing {
  const { why, about } = setback
  if (why === 'quota' || standing.is !== 'ok') return away(standing, setback)
  const isSame = about !== undefined && about === standing.last
  const failures = standing.failures + (isSame ? 0 : 1)
  if (failures >= failuresToAway) return away(standing, setback)
  return { is: 'ok', failures, ...(about === undefined ? {} : { last: about }) }
}

function away(standing: Standing, { why, reason, now, retryAt }: Setback): Standing {
  const tries = standing.is === 'ok' ? 0 : standing.tries + 1
  const sinceMs = standing.is === 'ok' ? now : standing.sinceMs
  const pause = Math.min(longestAwayMs, firstAwayMs[why] * 2 ** Math.min(tries, 16))
  const told = retryAt === undefined || retryAt <= now ? undefined : retryAt
  const untilMs = told === undefined ? now + pause : Math.min(told, now + longestQuotaMs)
  return { is: 'away', why, reason, sinceMs, untilMs, tries }
}

export const afterWork = (): Standing => fresh

/** `found`: whether it is on the machine, when its time away is over. */
export function afterProbe(
  standing: Standing,
  { now, found }: { now: number; found: boolean },
): Standing {
  if (standing.is !== 'away') return standing
  const { why, reason, sinceMs, tries } = standing
  if (found) return { is: 'trial', why, reason, sinceMs, tries }
  return away(standing, { why, reason, now })
}
