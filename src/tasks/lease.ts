/**
 * Keeping a claim. The holder alone moves its claim ref, one step at a time: renewals every third of
 * the lease, a proof whenever something visible is about to be done, and at last the closing record.
 *
 *   held ── renew ──► held ── … ── close ──► done | failed | released | yielded | cancelled
 *     └── another record is there, or the lease ran out ──► lost
 *
 * The lease runs from the own monotonic clock before the last confirmed push was sent. A step whose
 * answer was lost is remembered: when the ref turns out to hold one of our own records, that step
 * had arrived, and the next one goes on from there. Only somebody else's record means lost. A
 * machine that slept is noticed by its wall clock, and proves its claim before it trusts it again.
 */
import {
  CommonError,
  explain,
  Lifecycle,
  repeat,
  systemClock,
  withDeadline,
  type Clock,
  type Logger,
  type Startable,
} from '../util/index.ts'
import type { Claim, Claims, Moved, Prepared } from './claim/claims.ts'
import type { ClaimState } from './claim/record.ts'
import type { RefUpdate } from './claim/repository.ts'
import { TasksError } from './errors.ts'

/** `published`: a closing record that says done, and whose answer was lost, had arrived. */
export type Proof =
  | { is: 'held' }
  | { is: 'published' }
  | { is: 'lost'; holder: string | undefined }
  | { is: 'unknown'; error: unknown }

export interface Closing {
  state: ClaimState
  strikes: number
  /** Refs that move in the same push. */
  also?: RefUpdate[]
  /** Called once for each new closing record, before it is sent. */
  onPrepared?: (oid: string) => Promise<void>
}

export interface Lease extends Startable {
  /** The claim with its newest OID. */
  readonly claim: Claim
  /** Fires with `CLAIM_LOST` when another holds the ref, or when the lease ran out unrenewed. */
  readonly lost: AbortSignal
  /** Renews at once: the fence before anything that people or other agents see. */
  prove(signal: AbortSignal): Promise<Proof>
  /** Ends the claim. `won`: the ref holds a closing record of ours; look at its state. No renewal follows. */
  close(closing: Closing, signal: AbortSignal): Promise<Moved>
}

export interface LeaseComponents {
  claims: Claims
  logger: Logger
  onRenewed: (claim: Claim) => Promise<void>
  clock?: Clock
}

/** Longest time of one renewal, ms; shorter leases bound it further. */
const maxRenewalMs = 60_000
/** Between looks at whether a renewal is due, ms: a thirtieth of the lease within these bounds. */
const tickMs = { min: 20, max: 5_000 }

export function createLease(
  first: Claim,
  { claims, logger, onRenewed, clock = systemClock }: LeaseComponents,
): Lease {
  const { leaseMs } = first.record
  const { repo, issue, attempt } = first
  const lost = new AbortController()
  /** Every record of ours that was sent, in order. */
  const sent: { oid: string; prepared: Prepared; at: number }[] = [
    { oid: first.oid, prepared: { oid: first.oid, record: first.record }, at: first.confirmedAt },
  ]
  let claim = first
  let closed = false
  let busy: Promise<unknown> = Promise.resolve()
  let cancelExpiry: () => void = () => undefined
  let drift = clock.now() - clock.monotonic()

  function armExpiry(): void {
    cancelExpiry()
    if (closed) return
    cancelExpiry = clock.after(claim.confirmedAt + leaseMs - clock.monotonic(), () =>
      end(`the lease of ${leaseMs} ms ran out before it could be renewed`),
    )
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
    { state, strikes, also = [], onPrepared }: Closing,
    signal: AbortSignal,
  ): Promise<Moved> {
    for (;;) {
      const previous = claim.oid
      const known = sent.find(
        ({ prepared }) => prepared.record.previous === previous && prepared.record.state === state,
      )
      const prepared =
        known?.prepared ??
        (await claims.prepare({ repo, issue, attempt, strikes, previous, state }))
      if (known === undefined) {
        await onPrepared?.(prepared.oid)
        sent.push({ oid: prepared.oid, prepared, at: clock.monotonic() })
      }
      const moved = await claims.move(prepared, also, signal)
      if (moved.is === 'won') {
        // A record that was sent before may have arrived long ago: its lease runs from then.
        adopt({
          ...moved.claim,
          confirmedAt: known === undefined ? moved.claim.confirmedAt : known.at,
        })
        return { is: 'won', claim }
      }
      if (moved.is === 'unknown') return moved
      const arrived = sent.findIndex(({ oid }) => oid === moved.holder)
      const current = sent.findIndex(({ oid }) => oid === claim.oid)
      const later = sent[arrived]
      if (later === undefined) {
        end('another record is there', moved.holder)
        return moved
      }
      if (arrived <= current)
        return {
          is: 'unknown',
          error: new CommonError('INVALID', 'An old state of the claim ref was read.'),
        }
      const { record } = later.prepared
      adopt({ ...claim, oid: later.oid, record, confirmedAt: later.at })
      if (record.state !== 'held') return { is: 'won', claim }
    }
  }

  function adopt(newer: Claim): void {
    claim = newer
    closed = newer.record.state !== 'held'
    armExpiry()
  }

  async function renew(signal: AbortSignal): Promise<Proof> {
    if (closed) return { is: claim.record.state === 'done' ? 'published' : 'held' }
    const before = claim.oid
    const limit = Math.min(maxRenewalMs, Math.max(1_000, leaseMs / 3))
    const moved = await withDeadline(
      'a renewal',
      limit,
      (inner) => step({ state: 'held', strikes: claim.record.strikes }, inner),
      { signal, clock },
    ).catch((error: unknown): Moved => ({ is: 'unknown', error }))
    if (moved.is !== 'won') return moved
    if (claim.record.state === 'done') return { is: 'published' }
    if (claim.oid !== before) await onRenewed(claim)
    return { is: 'held' }
  }

  /** True when the machine slept: then the monotonic clock may have stood still. */
  function slept(): boolean {
    const now = clock.now() - clock.monotonic()
    const jumped = now - drift > leaseMs / 3
    drift = now
    return jumped
  }

  const keeper = repeat(
    async (signal) => {
      const due = clock.monotonic() - claim.confirmedAt >= leaseMs / 3
      if (closed || lost.signal.aborted || (!due && !slept())) return
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
      await keeper.start()
    },
    async () => {
      cancelExpiry()
      await keeper.stop()
    },
  )
  return {
    get claim() {
      return claim
    },
    lost: lost.signal,
    prove: (signal) => alone(() => renew(signal)),
    close: (closing, signal) =>
      alone(async () => (closed ? { is: 'won' as const, claim } : step(closing, signal))),
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
  }
}
