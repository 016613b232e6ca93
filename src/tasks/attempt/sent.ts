/**
 * The records of one claim that were sent, in order, each with the refs that were to move with it. A
 * push is atomic, so the record that the claim ref turns out to hold also tells where those refs went;
 * that is why a renewal and a checkpoint from the same record are two records, though only one of them
 * can ever arrive.
 */
import type { Claim, Prepared } from '../claim/claims.ts'
import type { ClaimState } from '../claim/record.ts'
import type { RefUpdate } from '../claim/repository.ts'

export interface Sent {
  oid: string
  prepared: Prepared
  /** Monotonic ms before it was sent first: its lease runs from here. */
  at: number
  /** How often the machine had slept then. */
  slept: number
  also: readonly RefUpdate[]
}

export interface SentRecords {
  oids(): ReadonlySet<string>
  /** One that was sent before for the same step. */
  find(step: { previous: string; state: ClaimState; also: readonly RefUpdate[] }): Sent | undefined
  add(sent: Sent): void
  last(): Sent
  /** Place in the order; -1 for a record of somebody else. */
  indexOf(oid: string | undefined): number
  at(index: number): Sent | undefined
  /** The claim ref holds it. */
  arrived(oid: string): void
  /** Where the newest record that moved this ref has moved it; undefined when none did. */
  tip(ref: string): string | undefined
}

export function createSent({ oid, record, confirmedAt }: Claim): SentRecords {
  let newest: Sent = { oid, prepared: { oid, record }, at: confirmedAt, slept: 0, also: [] }
  const all = [newest]
  const tips = new Map<string, string>()
  return {
    oids: () => new Set(all.map((one) => one.oid)),
    find: ({ previous, state, also }) =>
      all.find(
        (one) =>
          one.prepared.record.previous === previous &&
          one.prepared.record.state === state &&
          alike(one.also, also),
      ),
    add(sent) {
      newest = sent
      all.push(sent)
    },
    last: () => newest,
    indexOf: (wanted) => all.findIndex((one) => one.oid === wanted),
    at: (index) => all[index],
    arrived(wanted) {
      for (const { ref, next } of all.find((one) => one.oid === wanted)?.also ?? [])
        tips.set(ref, next)
    },
    tip: (ref) => tips.get(ref),
  }
}

const alike = (a: readonly RefUpdate[], b: readonly RefUpdate[]) =>
  a.length === b.length &&
  a.every(
    ({ ref, expected, next }, index) =>
      b[index]?.ref === ref && b[index].expected === expected && b[index].next === next,
  )
