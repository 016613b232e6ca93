/** Small sets of statements that prove one thing to somebody who knows the genesis at most. */
import type { Roster } from './roster.ts'
import type { MemberRecord, Statement } from './statements.ts'
import { chainOf, type View } from './view.ts'

/** The chain of roots. */
export function rootProof({ genesis, rotations }: Roster): Statement[] {
  return [genesis, ...rotations]
}

/** How each of `peers` stands: its record or removal, and the way from there to the mesh key. */
export function standingProof(roster: Roster, view: View, peers: readonly string[]): Statement[] {
  const proof = new Set<Statement>()
  for (const peerId of peers) {
    const removal = view.removed.get(peerId)?.entry
    const record = view.members.get(peerId)?.entry
    const about = removal ?? record
    if (about === undefined) continue
    const records: MemberRecord[] = [...chainOf(view, peerId), ...chainOf(view, about.by)]
    for (const statement of [about, ...records]) proof.add(statement)
  }
  return [...rootProof(roster), ...proof]
}
