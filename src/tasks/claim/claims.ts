/**
 * The claim protocol on one repository: mint, compare-and-swap, read back.
 *
 * The linearization point is the move of the claim ref. The winner is whoever's OID the ref holds;
 * when the push's answer is lost or says no, only reading the ref decides, never a status or text.
 * An attempt whose fate stays unknown is retried with the same OID, and at last given up as
 * `unknown`: its journal entry and the ref let a later turn or a restart find out.
 */
import { sleep, systemClock, type Clock } from '../../util/index.ts'
import {
  decodeRecord,
  encodeRecord,
  markOf,
  maxAttemptNumber,
  mintRecord,
  type ClaimRecord,
  type ClaimState,
  type Mark,
  type Signer,
  type Verify,
} from './record.ts'
import type { Tip } from './decide.ts'
import type { RefUpdate } from './repository.ts'
import type { ClaimRepository, RawTip } from './repository-types.ts'

export interface Claim {
  repo: string
  issue: number
  attempt: number
  /** Own record that the ref holds, as far as known. */
  oid: string
  record: ClaimRecord
  /** Own monotonic clock, ms, taken before the last confirmed push was sent: the lease runs from here. */
  confirmedAt: number
}

export type Moved =
  | { is: 'won'; claim: Claim }
  | { is: 'lost'; holder: string | undefined }
  | { is: 'unknown'; error: unknown }

export interface Identity {
  name: string
  login: string
  incarnation: string
  leaseMs: number
}

export interface ClaimsComponents {
  signer: Signer
  verify: Verify
  /** Whether a repository had this name before. Default: no. */
  isFormer?: (name: string) => Promise<boolean>
  clock?: Clock
  /** Pause between tries of the same OID, ms. Default 1,000. */
  retryMs?: number
}

/** How often the same OID is pushed before its fate is given up as unknown. */
const maxTries = 4

export interface Claims {
  refOf(issue: number): string
  decode(repo: string, issue: number, raw: RawTip | undefined): Promise<Tip>
  /** A signed record that follows `previous`; nothing is sent. `oid` goes into the journal first. */
  prepare(init: PrepareInit): Promise<Prepared>
  /**
   * Steps 3 and 4. Further updates move in the same atomic push. `tries`: how often the same OID is
   * pushed at most, default 4.
   */
  move(
    prepared: Prepared,
    also: readonly RefUpdate[],
    signal: AbortSignal,
    tries?: number,
  ): Promise<Moved>
}

export interface PrepareInit extends Mark {
  repo: string
  issue: number
  attempt: number
  strikes: number
  /** OID of the record before; null for the first. */
  previous: string | null
  state: ClaimState
  /** With `handed`. */
  to?: NonNullable<ClaimRecord['to']>
}

export interface Prepared {
  record: ClaimRecord
  oid: string
}

export function createClaims(
  repository: ClaimRepository,
  refPrefix: string,
  identity: Identity,
  { signer, verify, isFormer, clock = systemClock, retryMs = 1_000 }: ClaimsComponents,
): Claims {
  const refOf = (issue: number) => `${refPrefix}${issue}`
  return {
    refOf,
    async decode(repo, issue, raw) {
      if (raw === undefined) return { is: 'absent' }
      const { oid, unread, ref } = raw
      if (unread !== undefined)
        return { is: 'invalid', oid, why: `It holds ${unread}.`, ...(ref && { ref }) }
      try {
        const place = { repo, issue, parents: raw.parents, isFormer }
        const record = await decodeRecord(raw.message, place, verify)
        // There would be no number for the next one.
        return record.attempt < maxAttemptNumber
          ? { is: 'record', oid, record, ...(raw.at === undefined ? {} : { at: raw.at }) }
          : { is: 'invalid', oid, why: `Its attempt is ${record.attempt}.` }
      } catch (error) {
        return {
          is: 'invalid',
          oid: raw.oid,
          why: error instanceof Error ? error.message : 'undecodable',
        }
      }
    },
    async prepare({ repo, issue, attempt, strikes, previous, state, to, ...mark }) {
      const { name, login, incarnation, leaseMs } = identity
      const record = mintRecord({
        repo,
        issue,
        state,
        attempt,
        strikes,
        peerId: signer.peerId,
        name,
        incarnation,
        login,
        leaseMs,
        previous,
        ...markOf(mark),
        ...(to === undefined ? {} : { to }),
      })
      return { record, oid: await repository.mint(await encodeRecord(record, signer), previous) }
    },
    async move({ record, oid }, also, signal, tries = maxTries) {
      const ref = refOf(record.issue)
      const confirmedAt = clock.monotonic()
      const won: Moved = {
        is: 'won',
        claim: {
          repo: record.repo,
          issue: record.issue,
          attempt: record.attempt,
          oid,
          record,
          confirmedAt,
        },
      }
      let error: unknown
      for (let turn = 0; turn < tries; turn += 1) {
        if (turn > 0) await sleep(retryMs * 2 ** (turn - 1), { signal, clock })
        const pushed = await repository.push(
          [{ ref, expected: record.previous, next: oid }, ...also],
          signal,
        )
        if (pushed.is === 'moved') return won
        error = pushed.error
        const read = await repository.read(ref, signal).then(
          (holder) => ({ holder }),
          (cause: unknown) => {
            error = cause
            return undefined
          },
        )
        if (read === undefined) continue
        if (read.holder === oid) return won
        if ((read.holder ?? null) !== record.previous) return { is: 'lost', holder: read.holder }
        // The ref still holds what we expected: nothing moved, or a branch that moves with it is
        // not where we saw it. Trying the same OID again cannot make a second claim.
      }
      return { is: 'unknown', error }
    },
  }
}
