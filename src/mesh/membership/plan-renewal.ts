/**
 * What a signer signs anew, and when: pure.
 *
 * A record is renewed when half of its life is over and its peer is alive. Of several signers each has
 * its own order per member (rendezvous hashing); the first acts at half of the life, each next one a
 * sixteenth of the life later, so that normally one signs and never all at once. Signers' records by
 * the mesh key, which live for a year, are renewed by its holder; the others step in only near the end.
 * The holder of the mesh key renews itself, and also when it was away for longer than that.
 *
 * Removals and revocations hang on their author, too: another signer adopts them before its record ends.
 */
import { sha256 } from '../../util/index.ts'
import { ADOPT_WITHIN_MS, MAX_ROOT_LIFE_MS, MEMBER_LIFE_MS } from './limits.ts'
import { removal, renewed } from './plan-removal.ts'
import type { Draft, MemberRecord, Roster } from './statements.ts'
import { chainOf, type View } from './view.ts'

export interface RenewalInput {
  roster: Roster
  view: View
  self: string
  holdsRoot: boolean
  isAlive: (peerId: string) => boolean
  now: number
}

export function planRenewal({
  roster,
  view,
  self,
  holdsRoot,
  isAlive,
  now,
}: RenewalInput): Draft[] {
  if (!view.signers.has(self) && !holdsRoot) return []
  const drafts: Draft[] = []
  // Not after longer: a clock that is years ahead would date the record where nobody believes it.
  const lapsed = holdsRoot ? view.expired.get(self)?.entry : undefined
  if (lapsed !== undefined && now - lapsed.expiresAt < MAX_ROOT_LIFE_MS) {
    drafts.push(renewed(view, lapsed, 'root', now))
  }
  const signers = [...view.signers.keys()].filter((peer) => peer === self || isAlive(peer))
  for (const [peerId, { entry }] of view.members) {
    if (peerId === self ? !holdsRoot : !isAlive(peerId)) continue
    const byRoot = holdsRoot && (peerId === self || view.signers.has(peerId))
    if (!byRoot && !view.signers.has(self)) continue
    const life = entry.expiresAt - entry.issuedAt
    const mine = byRoot ? life : Math.min(life, MEMBER_LIFE_MS)
    const turn = byRoot ? 0 : placeOf(self, peerId, signers)
    if (entry.expiresAt - now > mine / 2 - (turn * mine) / 16) continue
    drafts.push(renewed(view, entry, byRoot ? 'root' : self, now))
  }
  return [...drafts, ...adopt(roster, view, holdsRoot ? 'root' : self, now)]
}

/** 0: the first to act for `peerId`. At most 7, so that everybody acts before the end. */
function placeOf(self: string, peerId: string, signers: readonly string[]): number {
  const weight = (signer: string) => sha256(`${signer} ${peerId}`)
  const own = weight(self)
  const before = signers.filter((signer) => signer !== peerId && weight(signer) > own).length
  return Math.min(before, 7)
}

function adopt(roster: Roster, view: View, by: string, now: number): Draft[] {
  const ends = (author: string): number =>
    author === 'root'
      ? Number.POSITIVE_INFINITY
      : Math.min(...chainOf(view, author).map((record: MemberRecord) => record.expiresAt))
  const own = ends(by)
  const isDue = (author: string) => ends(author) - now < ADOPT_WITHIN_MS && ends(author) < own
  const drafts: Draft[] = []
  for (const { entry } of view.removed.values()) {
    if (isDue(entry.by)) drafts.push(removal(entry.peerId, entry.name, by, now))
  }
  const seen = new Set<string>()
  for (const { entry } of roster.entries.values()) {
    if (entry.kind !== 'revocation' || !view.revoked.has(entry.invite)) continue
    if (!isDue(entry.by) || seen.has(entry.invite)) continue
    const { invite, until } = entry
    if (authorsOf(roster, invite).some((author) => isLasting(author))) continue
    seen.add(invite)
    drafts.push({ kind: 'revocation', invite, until, issuedAt: now, by })
  }
  return drafts

  function isLasting(author: string): boolean {
    return (author === 'root' || view.signers.has(author)) && !isDue(author)
  }
}

function authorsOf(roster: Roster, invite: string): string[] {
  return [...roster.entries.values()].flatMap(({ entry }) =>
    entry.kind === 'revocation' && entry.invite === invite ? [entry.by] : [],
  )
}
