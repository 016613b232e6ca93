/**
 * What is left of this principal's limits, as its agents see it together: the own answers, and what
 * peers with the same principal report. The lowest counts, but a peer's word only slows down, only
 * until the next answer of GitHub says better, and never for long: a liar costs time, never a claim.
 */
import { RecentMap, type Clock } from '../../util/index.ts'
import type { LimitReport } from '../../mesh/index.ts'
import type { RateLimit } from './github.ts'
import {
  allowance,
  queryAllowance,
  secondaryLimits,
  type Allowance,
  type Kind,
  type LimitView,
} from './limits.ts'
import type { Topic } from '../needs.ts'
import { slidingCount } from './sliding.ts'

/** One answer of GitHub, as far as it says something about limits. */
export interface Answer {
  /** `QUERY`: GraphQL that only reads. */
  method: string
  /** `limit` is of GraphQL's points, not of requests. Default: false. */
  graphql?: boolean
  /** Absent when none came, or it named no limit. */
  limit?: RateLimit
  /** GitHub asked for a pause until then, own wall clock, ms. */
  brakeUntilMs?: number
  /** GitHub's clock when it answered, ms; `limit` goes by it. Absent: the same as the own. */
  dateMs?: number
}

export interface Headroom {
  answered(answer: Answer): void
  heard(report: LimitReport, from: string): void
  allow(kind: Kind): Allowance
  /** Whether GraphQL may be asked instead of REST. */
  mayQuery(): Allowance
  /** Only peers say that little is left, and the own reading is old: look, to know. */
  doubts(): boolean
  /** The lowest known. */
  limit(): RateLimit | null
  /** GraphQL's, as it was when it answered last. Each agent asks little of it, so nobody is told. */
  points(): RateLimit | null
}

/** How long a peer's report counts, ms. */
const reportLifeMs = 2 * 60_000
/** Longest pause that peers may cause together, ms; then none is believed for as long as it was. */
const maxPeerBrakeMs = 5 * 60_000
/** Longest pause that GitHub's own word may cause, ms. */
const maxOwnBrakeMs = 24 * 60 * 60_000
/** Peers whose last report is kept. */
const maxReports = 200
/** Between two reports of this agent, ms, unless it is a brake. */
const tellEveryMs = 15_000
/** Part of the limit that must have been used since the last report. */
const tellStep = 0.01
/** The fastest that a limit can be used up, requests/ms: GitHub's secondary limit. */
const fastest = secondaryLimits.points / 60_000
/** How far apart the ends of one window may be told, ms. */
const sameWindowMs = 60_000
/** How old the own reading may be before peers' word is looked into, ms. */
const doubtMs = 60_000
/** Clocks that differ by less are the same, ms: GitHub tells its time in whole seconds, and answers take theirs. */
const sameClockMs = 5_000
/** Longest window of a primary limit, ms; what lies further ahead is not believed. */
const maxWindowMs = 65 * 60_000

interface Heard {
  /** Own monotonic clock, ms. */
  at: number
  remaining: number
  limit: number
  /** GitHub's clock, ms. */
  resetAtMs: number
}

export interface HeadroomComponents {
  clock: Clock
  /** Whose limits these are; null before it is known. */
  principal: () => string | null
  topic?: Topic<LimitReport>
  /** Whether the forge limits bursts, as github.com does. Default true. */
  bursts?: boolean
}

/** Enterprise Server and forges of one's own have no limits on bursts unless somebody set them. */
export const limitsBursts = (apiUrl: string) =>
  /(^|\.)(github\.com|ghe\.com)$/.test(new URL(apiUrl).hostname)

export function createHeadroom({
  clock,
  principal,
  topic,
  bursts = true,
}: HeadroomComponents): Headroom {
  let own: Heard | undefined
  let graphql: RateLimit | undefined
  let ownBrakeUntil = 0
  let told = { at: -Infinity, remaining: Infinity, resetAtMs: 0, brake: 0 }
  const reports = new RecentMap<string, Heard>(maxReports)
  /** What peers' words for a pause come to, monotonic ms. */
  let theirs = { since: 0, until: -Infinity, deafUntil: -Infinity }
  /** Of GitHub's clock over the own, ms. */
  let lead = 0
  const points = slidingCount(60_000, clock)
  const creations = slidingCount(60_000, clock)
  const creationsPerHour = slidingCount(60 * 60_000, clock)

  const githubNow = () => clock.now() + lead
  const byOwnClock = <T extends { resetAtMs: number }>(limit: T): T => ({
    ...limit,
    resetAtMs: limit.resetAtMs - lead,
  })

  /** The own reading, and what peers read of the same window since, as far as it can be. */
  function lowest(): Heard | undefined {
    const now = clock.monotonic()
    const mine = own !== undefined && own.resetAtMs > githubNow() ? own : undefined
    const heard = [...reports.values()].flatMap((one): Heard[] => {
      if (now - one.at >= reportLifeMs || one.resetAtMs <= githubNow()) return []
      if (mine === undefined) return [one]
      if (one.at < mine.at || Math.abs(one.resetAtMs - mine.resetAtMs) > sameWindowMs) return []
      const possible = Math.floor(mine.remaining - fastest * (one.at - mine.at))
      return [{ ...one, limit: mine.limit, remaining: Math.max(one.remaining, possible) }]
    })
    const all = [...(mine === undefined ? [] : [mine]), ...heard]
    return all.toSorted((a, b) => a.remaining / a.limit - b.remaining / b.limit)[0]
  }

  function view(): LimitView {
    const now = clock.now()
    const primary = lowest()
    const left = theirs.until - clock.monotonic()
    const brake =
      ownBrakeUntil > now
        ? { untilMs: ownBrakeUntil, own: true }
        : left > 0
          ? { untilMs: now + left, own: false }
          : undefined
    return {
      now,
      ...(primary === undefined ? {} : { primary: byOwnClock(primary) }),
      ...(own === undefined ? {} : { own: byOwnClock(own) }),
      ...(graphql === undefined ? {} : { graphql: byOwnClock(graphql) }),
      ...(brake === undefined ? {} : { brake }),
      points: points.sum(),
      creations: creations.sum(),
      creationsPerHour: creationsPerHour.sum(),
    }
  }

  function tell(): void {
    const who = principal()
    if (topic === undefined || who === null || own === undefined) return
    const { remaining, limit, resetAtMs } = own
    const now = clock.monotonic()
    const braked = ownBrakeUntil > clock.now() && ownBrakeUntil !== told.brake
    const dropped =
      resetAtMs !== told.resetAtMs || told.remaining - remaining >= Math.max(1, limit * tellStep)
    if (!braked && (!dropped || now - told.at < tellEveryMs)) return
    told = { at: now, remaining, resetAtMs, brake: ownBrakeUntil }
    const brake =
      ownBrakeUntil > clock.now() ? { brakeUntilMs: Math.round(ownBrakeUntil + lead) } : {}
    const report = { v: 1 as const, principal: who, remaining, limit, resetAtMs, ...brake }
    // Nobody's answer matters.
    topic.publish({ ...report, at: clock.now() }).catch(() => undefined)
  }

  return {
    answered({ method, limit, brakeUntilMs, dateMs, graphql: isGraphql = false }) {
      if (dateMs !== undefined) {
        const ahead = dateMs - clock.now()
        lead = Math.abs(ahead) < sameClockMs ? 0 : ahead
      }
      const reads = ['GET', 'HEAD', 'QUERY'].includes(method)
      if (bursts) points.add(reads ? 1 : 5)
      if (bursts && method === 'POST')
        for (const count of [creations, creationsPerHour]) count.add(1)
      if (limit !== undefined && isGraphql) graphql = limit
      if (limit !== undefined && !isGraphql) own = { ...limit, at: clock.monotonic() }
      if (brakeUntilMs !== undefined)
        ownBrakeUntil = Math.max(ownBrakeUntil, Math.min(brakeUntilMs, clock.now() + maxOwnBrakeMs))
      tell()
    },
    heard({ principal: whose, remaining, limit, resetAtMs, brakeUntilMs }, from) {
      if (whose !== principal()) return
      const now = clock.monotonic()
      const ahead = resetAtMs - githubNow()
      if (limit > 0 && remaining <= limit && ahead > 0 && ahead <= maxWindowMs)
        reports.set(from, { at: now, remaining, limit, resetAtMs })
      const pause = (brakeUntilMs ?? 0) - githubNow()
      const isBraked = theirs.until > now
      if (pause <= 0 || (!isBraked && theirs.deafUntil > now)) return
      const since = isBraked ? theirs.since : now
      const until = Math.max(theirs.until, Math.min(now + pause, since + maxPeerBrakeMs))
      theirs = { since, until, deafUntil: 2 * until - since }
    },
    allow: (kind) => allowance(view(), kind),
    mayQuery: () => queryAllowance(view()),
    doubts() {
      const known = lowest()
      if (known === undefined || known === own) return false
      if (own !== undefined && clock.monotonic() - own.at < doubtMs) return false
      const discovery = allowance(view(), 'discovery')
      return discovery.is === 'wait' || discovery.stretch > 1
    },
    points: () => (graphql === undefined ? null : byOwnClock(graphql)),
    limit() {
      const known = lowest() ?? own
      if (known === undefined) return null
      const { remaining, limit, resetAtMs } = byOwnClock(known)
      return { remaining, limit, resetAtMs }
    },
  }
}
