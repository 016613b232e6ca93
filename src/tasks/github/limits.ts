/**
 * What may still be asked of GitHub. Pure: what is left of the limits comes in; how to go on goes
 * out. The nearer the end, the less is done: looks become rare, then nothing new is claimed, and
 * only at the very end renewals and publications wait, too, since they are what the rest was for.
 *
 * Limits: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */

export type Kind = 'discovery' | 'intake' | 'renewal' | 'publication'

interface Primary {
  remaining: number
  limit: number
  resetAtMs: number
}

/** Times are wall clock, ms: GitHub tells them so. */
export interface LimitView {
  now: number
  /** The lowest that is known of the present window; absent before the first answer. */
  primary?: Primary
  /** As GitHub last told this process: what running work goes by, since peers may lie. */
  own?: Primary
  /** What GraphQL's own limit, in points, was when it answered last. */
  graphql?: Primary
  /** A pause that GitHub asked for. `own`: of this process; others' are believed for new work only. */
  brake?: { untilMs: number; own: boolean }
  /** Of this process in the last minute (points, creations) and hour. */
  points: number
  creations: number
  creationsPerHour: number
}

export type Allowance =
  /** `stretch`: how many times longer the pause between looks is to be. */
  { is: 'go'; stretch: number } | { is: 'wait'; untilMs: number; reason: string }

/** Secondary limits of github.com. */
export const secondaryLimits = { points: 900, creations: 80, creationsPerHour: 500 }

/** Parts of a limit that must be left. */
const parts = { stretch: 0.25, intake: 0.1 }
/** Parts of a secondary limit that may be used. */
const used = { stretch: 0.5, intake: 0.75 }
/** Multiples of the pause between looks: when a limit comes near, and when intake stops. */
const stretches = { near: 4, last: 10 }
/** How soon a full secondary limit is looked at again, ms. */
const burstMs = 15_000

/**
 * Whether a GraphQL query may stand for calls of REST. Near the end of its points it may not: the
 * `rest` transport moves claim refs with what is left.
 */
export function queryAllowance(view: LimitView): Allowance {
  const own = allowance(view, 'publication')
  if (own.is === 'wait') return own
  const { graphql, now } = view
  if (graphql === undefined || graphql.resetAtMs <= now) return { is: 'go', stretch: 1 }
  if (graphql.remaining / Math.max(1, graphql.limit) > parts.intake) return { is: 'go', stretch: 1 }
  const reason = `${graphql.remaining} of ${graphql.limit} GraphQL points left`
  return { is: 'wait', untilMs: graphql.resetAtMs, reason }
}

export function allowance(view: LimitView, kind: Kind): Allowance {
  const { now, brake } = view
  const isNew = kind === 'discovery' || kind === 'intake'
  if (brake !== undefined && brake.untilMs > now && (brake.own || isNew))
    return { is: 'wait', untilMs: brake.untilMs, reason: 'GitHub asked for a pause' }
  const known = isNew ? view.primary : view.own
  const primary = known !== undefined && known.resetAtMs > now ? known : undefined
  const left = primary === undefined ? 1 : primary.remaining / Math.max(1, primary.limit)
  const burst = Math.max(
    view.points / secondaryLimits.points,
    view.creations / secondaryLimits.creations,
    view.creationsPerHour / secondaryLimits.creationsPerHour,
  )
  if (primary !== undefined && (left <= 0 || (kind === 'intake' && left <= parts.intake))) {
    const reason = `${primary.remaining} of ${primary.limit} requests left`
    return { is: 'wait', untilMs: primary.resetAtMs, reason }
  }
  if (burst >= 1 || (kind === 'intake' && burst >= used.intake))
    return { is: 'wait', untilMs: now + burstMs, reason: 'many requests in a short time' }
  if (kind !== 'discovery') return { is: 'go', stretch: 1 }
  if (left <= parts.intake || burst >= used.intake) return { is: 'go', stretch: stretches.last }
  if (left <= parts.stretch || burst >= used.stretch) return { is: 'go', stretch: stretches.near }
  return { is: 'go', stretch: 1 }
}
