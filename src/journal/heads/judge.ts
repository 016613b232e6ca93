/**
 * Whether the own journal may be written on with. Pure.
 *
 * A home that was set back in time, or copied while the original went on, does not know it. Only
 * others can tell: so after a start nothing is written before those that were connected last have
 * said how long the journal is, or a grace has passed. When nobody could be asked, a new epoch is
 * begun, since one epoch more costs little and a forked journal cannot be mended; but not when no
 * other ever had a part of this one, so that an agent that starts alone again and again needs one
 * epoch more, not one for each start. A journal of this identity that a peer names is waited for as
 * long, since it may be a later epoch (`own/later.ts`). A peer that holds another history ends the epoch by itself, at
 * any time (`keeper.ts`).
 */
export interface Evidence {
  /** Made just now, or written before in this run: nobody can know more of it. */
  sure: boolean
  /** Entries of the own journal. */
  length: number
  /** Whether another may have a part of it. */
  shared: boolean
  /** Peers that are waited for. */
  expected: readonly string[]
  /** Peers that said what they know, also when that is nothing. */
  answered: ReadonlySet<string>
  /** A peer named a journal of this identity that was not known here; whether it is one is not proven yet. */
  isAwaited: boolean
  isGraceOver: boolean
}

export type Judgement = { go: 'wait' } | { go: 'on' } | { go: 'anew'; reason: string }

export const reasons = {
  longer: 'A peer holds more of it than is here: this home was set back.',
  different: 'A peer holds another history of it.',
  silence: 'No peer was there to say how long it is.',
} as const

export function judge(evidence: Evidence): Judgement {
  const { sure, length, shared, expected, answered, isAwaited, isGraceOver } = evidence
  if (sure) return { go: 'on' }
  if (isAwaited && !isGraceOver) return { go: 'wait' }
  const isKnownToNone = length === 0 || !shared
  if (isKnownToNone && expected.length === 0) return { go: 'on' }
  if (expected.length > 0 && expected.every((peerId) => answered.has(peerId))) return { go: 'on' }
  if (!isGraceOver) return { go: 'wait' }
  return answered.size > 0 || isKnownToNone ? { go: 'on' } : { go: 'anew', reason: reasons.silence }
}
