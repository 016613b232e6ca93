/** Small sets of statements that prove one thing to somebody who knows the genesis at most. */
import { encodeJson } from '../../util/index.ts'
import type { MemberRecord, Roster, Statement } from './statements.ts'
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

/**
 * What a new member is told: the proof about `peers` first, then as many of the other members as fit
 * into one answer, so that it finds others when the one that admitted it goes away. `maxBytes` of JSON.
 */
export function welcomeProof(
  roster: Roster,
  view: View,
  peers: readonly string[],
  { maxBytes, maxStatements }: { maxBytes: number; maxStatements: number },
): Statement[] {
  const all = new Set(standingProof(roster, view, peers))
  const size = (statements: Iterable<Statement>) =>
    [...statements].reduce((sum, one) => sum + encodeJson(one).byteLength + 1, 0)
  let bytes = size(all)
  for (const peerId of view.members.keys()) {
    const more = standingProof(roster, view, [peerId]).filter((one) => !all.has(one))
    const added = size(more)
    if (bytes + added > maxBytes || all.size + more.length > maxStatements) continue
    for (const one of more) all.add(one)
    bytes += added
  }
  return [...all]
}
