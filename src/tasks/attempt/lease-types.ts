/** What a lease is given and what it offers; `lease.ts` says how it works. */
import type { Clock, Logger, Permit, Startable } from '../../util/index.ts'
import type { Claim, Claims, Moved } from '../claim/claims.ts'
import type { ClaimRecord, ClaimState } from '../claim/record.ts'
import type { RefUpdate } from '../claim/repository.ts'

/** `closed`: the ref holds a closing record of ours; it may have arrived though its answer was lost. */
export type Proof =
  | { is: 'held' }
  | { is: 'closed' }
  | { is: 'lost'; holder: string | undefined }
  | { is: 'unknown'; error: unknown }

export interface Carrying {
  /** Refs that move in the same push. */
  also?: readonly RefUpdate[]
  /** Called once for each new record, before it is sent. */
  onPrepared?: (oid: string) => Promise<void>
}

export interface Closing extends Carrying {
  state: ClaimState
  strikes: number
  /** Id of the comment that asked for it. */
  command?: number
  /** With `handed`: who goes on. */
  to?: NonNullable<ClaimRecord['to']>
}

export interface Lease extends Startable {
  /** The claim with its newest OID. */
  readonly claim: Claim
  /** OIDs of all records of this claim that were sent. */
  sent(): ReadonlySet<string>
  /** Where this claim has moved another ref, as far as known; undefined when it has not. */
  tip(ref: string): string | undefined
  /** Fires with `CLAIM_LOST` when another holds the ref, or when the lease ran out and freezing is not possible or took too long. */
  readonly lost: AbortSignal
  /** For what runs under the claim: frozen from the end of the lease until a renewal succeeds. */
  readonly permit: Permit
  /** Renews at once: the fence before anything that people or other agents see. */
  prove(signal: AbortSignal): Promise<Proof>
  /**
   * Renews and moves other refs in one push, tried once. `held` says that the claim stands; whether the
   * refs moved says `tip`. What did not move is not in the way of a later renewal. `unknown` without a
   * push while the permit is frozen.
   */
  carry(what: Carrying, signal: AbortSignal): Promise<Proof>
  /** Ends the claim. `won`: the ref holds a closing record of ours; look at its state. No renewal follows. */
  close(closing: Closing, signal: AbortSignal): Promise<Moved>
}

export interface LeaseComponents {
  claims: Claims
  logger: Logger
  onRenewed: (claim: Claim) => Promise<void>
  /** Whether what runs under the claim obeys `permit`. Default false. */
  freezes?: boolean
  /** Longest time from the end of the lease until the claim is given up, ms. Default `maxFrozenMs`. */
  frozenMs?: number
  clock?: Clock
}
