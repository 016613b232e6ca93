/**
 * May this agent claim a round of feedback, seen from the tip of the claim ref? Pure, as `decide.ts`
 * is for first work. A round goes on from a `done` record for as long as the pull request is open:
 *
 * | the ref holds | outcome |
 * |---|---|
 * | nothing, no record, or a record of first work that is not done | no round |
 * | done, round k or none | round k + 1, for its owner; for its heir once the owner is gone for lease + margin |
 * | held, round k, lease running | nobody |
 * | held, round k, seen for lease + margin, or left behind by this very agent | round k again, one strike more |
 * | handed, round k | round k again for who is named; one strike more for others, after lease + margin |
 * | released, cancelled or yielded, round k | round k again |
 * | any of them, and all rounds are used up | nobody, until a person asks |
 *
 * The attempt rises with each claim, as everywhere, so that the fencing token stays what it is.
 */
import { isLeased, type Sighting, type Tip } from './decide.ts'
import { maxAttemptNumber, type ClaimRecord } from './record.ts'
import { isAsked, type Retry } from './retry.ts'

export type RoundDecision =
  | {
      may: true
      attempt: number
      round: number
      strikes: number
      previous: string
      takeover: boolean
      /** All attempts at this round are used up: it is claimed only to say so. */
      exhausted: boolean
    }
  | { may: false; reason: string; why: 'unpublished' | 'held' | 'used-up' | 'owned' }

export interface DecideRoundInput {
  tip: Tip
  sighting: Sighting | undefined
  /** Own monotonic clock, ms. */
  now: number
  marginMs: number
  maxRounds: number
  maxAttempts: number
  self: string
  /** Since when whoever the tip names is not in the mesh, monotonic ms; undefined while it is. */
  awaySince: number | undefined
  /** Somebody who may asked for another round. */
  retry?: Retry
  abandoned: (record: ClaimRecord, oid: string) => boolean
}

export function mayClaimRound(input: DecideRoundInput): RoundDecision {
  const { tip, sighting, now, marginMs, maxRounds, maxAttempts, self, awaySince } = input
  const no = (why: Exclude<RoundDecision, { may: true }>['why'], reason: string) =>
    ({ may: false, why, reason }) as const
  if (tip.is !== 'record') return no('unpublished', 'nothing was published')
  const { record, oid } = tip
  if (record.attempt >= maxAttemptNumber) return no('unpublished', 'the claim ref is unusable')
  const next = (round: number, strikes: number, takeover: boolean): RoundDecision => ({
    may: true,
    attempt: record.attempt + 1,
    round,
    strikes,
    previous: oid,
    takeover,
    exhausted: strikes >= maxAttempts,
  })
  const asked = isAsked(input.retry, record)
  if (isLeased(record)) {
    if (record.round === undefined) return no('held', `${record.name} works the issue itself`)
    if (record.to?.peerId === self) return next(record.round, record.strikes, false)
    const seenFor = sighting?.oid === oid ? now - sighting.since : 0
    const isLeft = record.state === 'held' && input.abandoned(record, oid)
    const over = seenFor >= record.leaseMs + marginMs || isLeft
    if (!over) return no('held', `${record.name} is at round ${record.round}`)
    return next(record.round, record.strikes + 1, true)
  }
  const isDone = record.state === 'done'
  if (!isDone && record.round === undefined)
    return no('unpublished', `the issue was ${record.state}`)
  const isHeir = awaySince !== undefined && now - awaySince >= record.leaseMs + marginMs
  if (isDone && record.peerId !== self && !isHeir)
    return no('owned', `the branch belongs to ${record.name}`)
  const round = asked ? 1 : isDone ? (record.round ?? 0) + 1 : (record.round ?? 1)
  if (round > maxRounds) return no('used-up', `${maxRounds} rounds were made`)
  return next(round, isDone ? 0 : record.strikes, false)
}
