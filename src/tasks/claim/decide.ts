/**
 * May this agent try to claim, seen from the tip of the claim ref? Pure: tip, issue and the own
 * monotonic clock come in; the answer and its reason go out. No clock of another machine is used:
 * a lease counts as expired only when this process has seen the same OID for the whole lease plus
 * a margin.
 */
import { maxAttemptNumber, type ClaimRecord } from './record.ts'
import { isAsked, type Retry } from './retry.ts'

/** What stands in a claim ref. `invalid`: something that is no record of ours. */
export type Tip =
  | { is: 'absent' }
  /** `at`: when it was made by its maker's own clock, ms. */
  | { is: 'record'; oid: string; record: ClaimRecord; at?: number }
  /** `ref`: the one that is in the way, if it is not the claim ref itself. */
  | { is: 'invalid'; oid: string; why: string; ref?: string }

export interface Sighting {
  oid: string
  /** Own monotonic clock, ms, when this OID was first seen. */
  since: number
}

export type Decision =
  | {
      may: true
      attempt: number
      /** Attempts before this one that ended by a crash or by a machine's fault. */
      strikes: number
      previous: string | null
      /** The holder before did not let go: its assignment may still stand. */
      takeover: boolean
      /** All attempts are used up: the claim is made only to say so on the issue. */
      exhausted: boolean
    }
  | { may: false; reason: string; why: 'held' | 'final' | 'invalid' | 'vanished' }

export interface DecideInput {
  tip: Tip
  /** The ref is absent, but this process saw it with this record; `since`: own monotonic ms. */
  vanished?: { tip: Extract<Tip, { is: 'record' }>; since: number }
  /** The ref's history was rewritten: its last record before that; `since`: own monotonic ms. */
  forced?: { tip: Extract<Tip, { is: 'record' }>; since: number }
  sighting: Sighting | undefined
  now: number
  /** Margin over the lease before a takeover, ms. */
  marginMs: number
  /** Strikes after which nobody tries again without a person. */
  maxAttempts: number
  /** Somebody who may asked to have it tried anew. */
  retry?: Retry
  /** Peer id of this agent. */
  self: string
  /** The held record is one of our own that an earlier process, or a lost answer, left behind. */
  abandoned: (record: ClaimRecord, oid: string) => boolean
}

export function mayClaim({
  tip,
  vanished,
  forced,
  sighting,
  now,
  marginMs,
  maxAttempts,
  retry,
  self,
  abandoned,
}: DecideInput): Decision {
  if (tip.is === 'absent') {
    if (vanished === undefined) {
      return {
        may: true,
        attempt: 1,
        strikes: 0,
        previous: null,
        takeover: false,
        exhausted: false,
      }
    }
    // Somebody deleted the ref. Its holder may still work; it finds out at its next renewal.
    const { record } = vanished.tip
    if (now - vanished.since < record.leaseMs + marginMs) {
      return { may: false, why: 'vanished', reason: `the claim ref of ${record.name} was deleted` }
    }
    return {
      may: true,
      attempt: record.attempt + 1,
      strikes: 0,
      previous: null,
      takeover: true,
      exhausted: false,
    }
  }
  if (tip.is === 'invalid')
    return { may: false, why: 'invalid', reason: `the claim ref is unusable: ${tip.why}` }
  const { record, oid } = tip
  if (record.attempt >= maxAttemptNumber) {
    return {
      may: false,
      why: 'invalid',
      reason: `the claim ref is unusable: attempt ${record.attempt}`,
    }
  }
  // Whoever held the record before may still work, as with a deleted ref. Its attempt is not given twice.
  const before = forced?.tip.record
  if (
    forced !== undefined &&
    before !== undefined &&
    now - forced.since < before.leaseMs + marginMs
  ) {
    return { may: false, why: 'vanished', reason: `the claim ref of ${before.name} was forced` }
  }
  const free = (takeover: boolean, strikes: number): Decision => ({
    may: true,
    attempt: Math.max(record.attempt, before?.attempt ?? 0) + 1,
    strikes,
    previous: oid,
    takeover,
    exhausted: strikes >= maxAttempts,
  })
  if (isAsked(retry, record) && !isLeased(record)) return free(false, 0)
  // The issue has a pull request: whoever may go on with that is decided by `decide-round.ts`.
  if (record.round !== undefined) {
    const reason = `${record.name} is at round ${record.round} of its review`
    return { may: false, why: isLeased(record) ? 'held' : 'final', reason }
  }
  switch (record.state) {
    case 'done':
      return {
        may: false,
        why: 'final',
        reason: `${record.name} published attempt ${record.attempt}`,
      }
    // A failed or cancelled issue is open again only because a person took the label away or
    // reopened it (intake has checked that): it starts afresh.
    case 'failed':
    case 'cancelled':
      return free(false, 0)
    case 'released':
    case 'yielded':
      return free(false, record.strikes)
    case 'handed':
    case 'held': {
      // Nobody else may claim in between: to all others it is held by who is named.
      if (record.to?.peerId === self) return free(false, record.strikes)
      // What was handed on is nobody's own any more, also where the step arrived after it was given up.
      if (record.state === 'held' && abandoned(record, oid)) return free(true, record.strikes + 1)
      const seenFor = sighting?.oid === oid ? now - sighting.since : 0
      if (seenFor >= record.leaseMs + marginMs) return free(true, record.strikes + 1)
      const doing = record.state === 'handed' ? 'handed on' : 'holds'
      return {
        may: false,
        why: 'held',
        reason: `${record.name} ${doing} attempt ${record.attempt}`,
      }
    }
  }
}

/** Whether somebody has it now, or was named to go on with it. */
export const isLeased = ({ state }: Pick<ClaimRecord, 'state'>): boolean =>
  state === 'held' || state === 'handed'

/** Peer id of who is to go on from the record. */
export const keeperOf = ({ to, peerId }: Pick<ClaimRecord, 'to' | 'peerId'>): string =>
  to?.peerId ?? peerId
