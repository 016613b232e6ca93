/**
 * Keeping a claim: renews it every third of the lease by compare-and-swap in the same ref, and ends
 * the work when it is lost. The lease runs from the own monotonic clock before the last confirmed
 * push was sent; a renewal whose fate is unknown does not prolong it.
 */
import {
  Lifecycle,
  repeat,
  systemClock,
  type Clock,
  type Logger,
  type Startable,
} from '../util/index.ts'
import type { Claim, Claims } from './claim/claims.ts'
import { TasksError } from './errors.ts'

export interface Lease extends Startable {
  /** The claim with its newest OID. */
  readonly claim: Claim
  /** Fires with `CLAIM_LOST` when another holds the ref, or when the lease ran out unrenewed. */
  readonly lost: AbortSignal
  /** OID of a renewal that was sent and whose fate is unknown: the ref may hold it. */
  readonly pending: string | undefined
}

export interface LeaseComponents {
  claims: Claims
  logger: Logger
  onRenewed: (claim: Claim) => Promise<void>
  clock?: Clock
}

export function createLease(
  first: Claim,
  { claims, logger, onRenewed, clock = systemClock }: LeaseComponents,
): Lease {
  const { leaseMs } = first.record
  const lost = new AbortController()
  let claim = first
  let pending: string | undefined
  let cancelExpiry: () => void = () => undefined

  function armExpiry(): void {
    cancelExpiry()
    cancelExpiry = clock.after(claim.confirmedAt + leaseMs - clock.monotonic(), () =>
      end(`the lease of ${leaseMs} ms ran out before it could be renewed`),
    )
  }

  function end(why: string, holder?: string): void {
    if (lost.signal.aborted) return
    lost.abort(
      new TasksError('CLAIM_LOST', `The claim is lost: ${why}.`, {
        data: { issue: claim.issue, ...(holder === undefined ? {} : { holder }) },
      }),
    )
  }

  const renewal = repeat(
    async (signal) => {
      const { repo, issue, attempt, oid } = claim
      const { strikes } = claim.record
      const prepared = await claims.prepare({
        repo,
        issue,
        attempt,
        strikes,
        previous: oid,
        state: 'held',
      })
      pending = prepared.oid
      const moved = await claims.move(prepared, [], signal)
      if (moved.is !== 'unknown') pending = undefined
      if (moved.is === 'lost') return end('another agent holds the issue', moved.holder)
      if (moved.is === 'unknown') throw moved.error
      claim = moved.claim
      armExpiry()
      await onRenewed(claim)
    },
    {
      everyMs: leaseMs / 3,
      maxDelayMs: leaseMs / 3,
      immediate: false,
      clock,
      onError: (error) =>
        logger.warn(
          { event: 'claim.renew', issue: claim.issue, err: String(error) },
          'the claim could not be renewed yet',
        ),
    },
  )
  const lifecycle = new Lifecycle(
    async () => {
      armExpiry()
      await renewal.start()
    },
    async () => {
      cancelExpiry()
      await renewal.stop()
    },
  )
  return {
    get claim() {
      return claim
    },
    lost: lost.signal,
    get pending() {
      return pending
    },
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
  }
}
