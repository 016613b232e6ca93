/**
 * Keeping a claim. The holder alone moves its claim ref, one step at a time: renewals every third of
 * the lease, a proof whenever something visible is about to be done, and at last the closing record.
 *
 *   held ── renew ──► held ── … ── close ──► done | failed | released | yielded | handed | cancelled
 *     │ ▲
 *     │ └── renewed after all (nobody took over: the ref still holds our record) ──┐
 *     ├── the lease ran out, or the machine slept ──► frozen ───────────────────────┘
 *     │                                                 │ frozen too long
 *     └── another record is there ──► lost ◄────────────┘
 *
 * The lease runs from the own monotonic clock before the last confirmed push was sent. At its end the
 * work is frozen by the permit, not lost: an outage of GitHub keeps everybody from taking over, too.
 * Where work cannot be frozen, the end of the lease is the end of the claim. A step whose
 * answer was lost is remembered: when the ref turns out to hold one of our own records, that step
 * had arrived, and the next one goes on from there. Only somebody else's record means lost. A
 * machine that slept is noticed by its wall clock, and proves its claim before it trusts it again.
 */
import {
  CommonError,
  explain,
  Lifecycle,
  PermitSource,
  repeat,
  systemClock,
  withDeadline,
} from '../../util/index.ts'
import type { Claim, Moved } from '../claim/claims.ts'
import { markOf } from '../claim/record.ts'
import { TasksError } from '../errors.ts'
import type { Carrying, Closing, Lease, LeaseComponents, Proof } from './lease-types.ts'
import { createSent } from './sent.ts'

export type { Closing, Lease, LeaseComponents } from './lease-types.ts'

/**
 * Longest time that work stays frozen, ms. Waiting costs memory and a slot, and giving up costs the
 * work: longer than GitHub was ever away, shorter than anybody would still want the answer.
 */
export const maxFrozenMs = 24 * 60 * 60_000
/** Between looks at whether the machine slept, ms: so long may work run before it is frozen. */
const wakeMs = 500
/**
 * Longest time of one renewal, ms. It may take a third of the lease, at least 1 s, or twice what the
 * last one took; and after a failure twice as long as before: where everything is slow, a fixed limit
 * would end every one of them just before its answer, for ever.
 */
const maxRenewalMs = 60_000
const maxDoublings = 6
/** Between looks at whether a renewal is due, ms: a thirtieth of the lease within these bounds. */
const tickMs = { min: 20, max: 5_000 }

export function createLease(
  first: Claim,
  {
    claims,
    logger,
    onRenewed,
    freezes = false,
    frozenMs = maxFrozenMs,
    clock = systemClock,
  }: LeaseComponents,
): Lease {
  const { leaseMs } = first.record
  const { repo, issue, attempt } = first
  const about = { repo, issue, attempt }
  const lost = new AbortController()
  const sent = createSent(first)
  let claim = first
  let closed = false
  let busy: Promise<unknown> = Promise.resolve()
  let cancelExpiry: () => void = () => undefined
  let cancelLook: () => void = () => undefined
  let drift = clock.now() - clock.monotonic()
  /** How often the machine slept, and how often it had when the claim's record was sent. */
  let slept = 0
  let proven = 0
  /** Renewals in a row that came to nothing, and how long the last good one took, ms. */
  let failures = 0
  let took = 0
  const permit = new PermitSource(clock)

  function armExpiry(): void {
    cancelExpiry()
    if (closed) return
    const until = claim.confirmedAt + leaseMs
    const left = until - clock.monotonic()
    permit.extend(until)
    if (left > 0 && proven === slept) permit.thaw()
    cancelExpiry = clock.after(left, () => {
      if (!freezes) return end(`the lease of ${leaseMs} ms ran out before it could be renewed`)
      permit.freeze()
      cancelExpiry = clock.after(until + frozenMs - clock.monotonic(), () =>
        end(`the lease of ${leaseMs} ms ran out and could not be renewed for ${frozenMs} ms more`),
      )
    })
  }

  /** The monotonic clock may have stood still: what it says of the lease is not trusted without a proof. */
  function lookForSleep(): void {
    const now = clock.now() - clock.monotonic()
    const jumped = now - drift > leaseMs / 3
    drift = now
    if (!jumped) return
    slept += 1
    if (freezes) permit.freeze()
    keeper.wake()
  }

  function keepLooking(): void {
    cancelLook = clock.after(wakeMs, () => {
      lookForSleep()
      keepLooking()
    })
  }

  function end(why: string, holder?: string): void {
    if (lost.signal.aborted || closed) return
    const data = { issue, ...(holder === undefined ? {} : { holder }) }
    lost.abort(new TasksError('CLAIM_LOST', `The claim is lost: ${why}.`, { data }))
  }

  /** One step at a time: a proof and a renewal must not race each other. */
  function alone<T>(step: () => Promise<T>): Promise<T> {
    const next = busy.then(step, step)
    busy = next.catch(() => undefined)
    return next
  }

  async function step(
    { state, strikes, command, to, also = [], onPrepared }: Closing,
    signal: AbortSignal,
    tries?: number,
  ): Promise<Moved> {
    for (;;) {
      const previous = claim.oid
      const known = sent.find({ previous, state, also })
      const mark = { ...markOf(claim.record), ...(command === undefined ? {} : { command }) }
      const whom = to === undefined ? {} : { to }
      const prepared =
        known?.prepared ??
        (await claims.prepare({ ...about, strikes, previous, state, ...mark, ...whom }))
      if (known === undefined) {
        await onPrepared?.(prepared.oid)
        sent.add({ oid: prepared.oid, prepared, at: clock.monotonic(), slept, also })
      }
      const moved = await claims.move(prepared, also, signal, tries)
      if (moved.is === 'won') {
        // A record that was sent before may have arrived long ago: its lease runs from then.
        const confirmedAt = known?.at ?? moved.claim.confirmedAt
        adopt({ ...moved.claim, confirmedAt }, (known ?? sent.last()).slept)
        return { is: 'won', claim }
      }
      if (moved.is === 'unknown') return moved
      const arrived = sent.indexOf(moved.holder)
      const later = sent.at(arrived)
      if (arrived < 0 || later === undefined) {
        end('another record is there', moved.holder)
        return moved
      }
      if (arrived <= sent.indexOf(claim.oid))
        return {
          is: 'unknown',
          error: new CommonError('INVALID', 'An old state of the claim ref was read.'),
        }
      const { record } = later.prepared
      adopt({ ...claim, oid: later.oid, record, confirmedAt: later.at }, later.slept)
      if (record.state !== 'held') return { is: 'won', claim }
      // Where the other refs are by now is for the caller to look at.
      if (state === 'held' && also.length > 0) return { is: 'won', claim }
      const gone = also.find(({ ref, expected }) => (sent.tip(ref) ?? expected) !== expected)
      if (gone !== undefined)
        return { is: 'unknown', error: new CommonError('INVALID', `${gone.ref} has moved.`) }
    }
  }

  function adopt(newer: Claim, sleptWhenSent: number): void {
    lookForSleep()
    claim = newer
    sent.arrived(newer.oid)
    closed = newer.record.state !== 'held'
    proven = sleptWhenSent
    armExpiry()
  }

  async function renew(signal: AbortSignal): Promise<Proof> {
    lookForSleep()
    if (closed) return { is: 'closed' }
    const before = claim.oid
    const limit = Math.min(maxRenewalMs, Math.max(1_000, leaseMs / 3, 2 * took) * 2 ** failures)
    const began = clock.monotonic()
    const moved = await withDeadline(
      'a renewal',
      limit,
      (inner) => step({ state: 'held', strikes: claim.record.strikes }, inner),
      { signal, clock },
    ).catch((error: unknown): Moved => ({ is: 'unknown', error }))
    failures = moved.is === 'unknown' ? Math.min(failures + 1, maxDoublings) : 0
    if (moved.is === 'won') took = clock.monotonic() - began
    if (moved.is !== 'won') return moved
    if (claim.record.state !== 'held') return { is: 'closed' }
    if (claim.oid !== before) await onRenewed(claim)
    return { is: 'held' }
  }

  async function carry(what: Carrying, signal: AbortSignal): Promise<Proof> {
    lookForSleep()
    if (closed) return { is: 'closed' }
    if (permit.frozen)
      return { is: 'unknown', error: new CommonError('ABORTED', 'The work is frozen.') }
    const moved = await withDeadline(
      'a checkpoint',
      Math.min(maxRenewalMs, Math.max(1_000, leaseMs / 3, 4 * took)),
      (inner) => step({ ...what, state: 'held', strikes: claim.record.strikes }, inner, 1),
      { signal, clock },
    ).catch((error: unknown): Moved => ({ is: 'unknown', error }))
    if (moved.is !== 'won') return moved
    return { is: claim.record.state === 'held' ? 'held' : 'closed' }
  }

  const keeper = repeat(
    async (signal) => {
      const due = clock.monotonic() - claim.confirmedAt >= leaseMs / 3
      if (closed || lost.signal.aborted || (!due && proven === slept)) return
      const proof = await alone(() => renew(signal))
      if (proof.is === 'unknown') throw proof.error
    },
    {
      everyMs: Math.min(tickMs.max, Math.max(tickMs.min, leaseMs / 30)),
      maxDelayMs: Math.min(tickMs.max, Math.max(tickMs.min, leaseMs / 10)),
      immediate: false,
      clock,
      onError: (error) =>
        logger.warn(
          { event: 'claim.renew', issue, err: explain(error) },
          'the claim could not be renewed yet',
        ),
    },
  )
  const lifecycle = new Lifecycle(
    async () => {
      armExpiry()
      keepLooking()
      await keeper.start()
    },
    async () => {
      cancelExpiry()
      cancelLook()
      await keeper.stop()
    },
  )
  return {
    get claim() {
      return claim
    },
    sent: () => sent.oids(),
    tip: (ref) => sent.tip(ref),
    lost: lost.signal,
    permit,
    prove: (signal) => alone(() => renew(signal)),
    carry: (what, signal) => alone(() => carry(what, signal)),
    close: (closing, signal) =>
      alone(async () => (closed ? { is: 'won' as const, claim } : step(closing, signal))),
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
  }
}
