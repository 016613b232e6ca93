/** What is to be signed when somebody is removed: pure. */
import { MEMBER_LIFE_MS, SIGNER_LIFE_MS } from './limits.ts'
import type { Draft, MemberRecord, Roster } from './statements.ts'
import { rolesIn, type View } from './view.ts'

/** Who signs the removal of `target`, or what this home lacks for it. */
export function removerOf(
  view: View,
  target: string,
  self: string,
  holdsRoot: boolean,
): { by: string } | { needs: 'root' | 'signer' } {
  if (holdsRoot) return { by: 'root' }
  if (!view.signers.has(self)) return { needs: 'signer' }
  return view.signers.has(target) ? { needs: 'root' } : { by: self }
}

export function removal(peerId: string, name: string, by: string, now: number): Draft {
  return { kind: 'removal', peerId, name, issuedAt: now, by }
}

/**
 * By the mesh key, what `signer` signed that is in force: records of others, removals, revocations.
 * After its removal these would count for nothing.
 */
export function vouchFor(roster: Roster, view: View, signer: string, now: number): Draft[] {
  const drafts: Draft[] = []
  for (const [peerId, { entry }] of view.members) {
    const sponsored = view.signers.get(peerId)?.record.entry.by === signer
    if (peerId !== signer && (entry.by === signer || sponsored)) {
      drafts.push(renewed(view, entry, 'root', now))
    }
  }
  for (const [, { entry }] of view.removed) {
    if (entry.by === signer) drafts.push(removal(entry.peerId, entry.name, 'root', now))
  }
  for (const { entry } of roster.entries.values()) {
    if (entry.kind === 'revocation' && entry.by === signer && view.revoked.has(entry.invite)) {
      const { invite, until } = entry
      drafts.push({ kind: 'revocation', invite, until, issuedAt: now, by: 'root' })
    }
  }
  return drafts
}

/** The member's record with new dates, by another author. */
export function renewed(view: View, record: MemberRecord, by: string, now: number): Draft {
  const { peerId, name, admittedAt, admittedBy, invite, issuedAt } = record
  const roles = rolesIn(view, peerId)
  const life =
    by === 'root' && roles.includes('signer')
      ? SIGNER_LIFE_MS
      : Math.min(record.expiresAt - issuedAt, MEMBER_LIFE_MS)
  // Newer than what it replaces, also when the former author's clock was ahead.
  const from = Math.max(now, issuedAt + 1)
  return {
    kind: 'member',
    peerId,
    name,
    roles: roles.length === 0 ? record.roles : roles,
    issuedAt: from,
    expiresAt: from + life,
    admittedAt,
    admittedBy,
    ...(invite === undefined ? {} : { invite }),
    by,
  }
}

/**
 * Whom a signer that is not trusted let in, and those whom they let in, and so on. What the distrusted
 * say of others is not believed: somebody for whom another's record stands goes only when that
 * record says that it was let in by one of them.
 */
export function letInBy(roster: Roster, view: View, signer: string): Set<string> {
  const records = Map.groupBy(
    [...roster.entries.values()].flatMap(({ entry }) => (entry.kind === 'member' ? [entry] : [])),
    ({ peerId }) => peerId,
  )
  const distrusted = new Set([signer])
  for (let before = 0; before < distrusted.size;) {
    before = distrusted.size
    for (const peerId of view.members.keys()) {
      const voucher = (records.get(peerId) ?? [])
        .filter(({ by }) => !distrusted.has(by))
        .sort((a, b) => b.issuedAt - a.issuedAt)[0]
      if (voucher === undefined || distrusted.has(voucher.admittedBy)) distrusted.add(peerId)
    }
  }
  distrusted.delete(signer)
  return distrusted
}
