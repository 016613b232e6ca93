/**
 * What the new mesh key signs: pure. All that the former one and the signers under it signed is void,
 * so what is still wanted is signed anew: members, removals and revocations that were in force, except
 * those named.
 */
import { MEMBER_LIFE_MS, SIGNER_LIFE_MS } from './limits.ts'
import { removal } from './plan-removal.ts'
import { type Draft, type Entry, type MemberRecord, type Roster, sortRoles } from './statements.ts'
import { keyOf } from './rules.ts'
import type { Role } from './types.ts'
import { rolesIn, type View } from './view.ts'

export interface RotationInput {
  /** Before the rotation. */
  roster: Roster
  view: View
  self: string
  remove: ReadonlySet<string>
  reinstate: ReadonlySet<string>
  now: number
}

/** The own home becomes a member with `signer`, whatever it was: it holds the recovery key. */
export function planRotation({ roster, view, self, remove, reinstate, now }: RotationInput) {
  const records = new Map([...view.members].map(([peerId, { entry }]) => [peerId, entry]))
  for (const peerId of [self, ...reinstate]) {
    const last = records.get(peerId) ?? lastRecord(roster, peerId)
    if (last !== undefined) records.set(peerId, last)
  }
  const members: Draft[] = []
  if (!records.has(self)) members.push(firstRecord(self, now))
  for (const [peerId, record] of records) {
    if (remove.has(peerId)) continue
    const granted = view.members.has(peerId) ? rolesIn(view, peerId) : record.roles
    const roles: Role[] = peerId === self ? sortRoles([...granted, 'signer']) : granted
    members.push(anew(record, roles.length === 0 ? record.roles : roles, now))
  }
  const removals = new Map<string, string>()
  for (const [peerId, { entry }] of view.removed) {
    if (peerId !== self && !reinstate.has(peerId)) removals.set(peerId, entry.name)
  }
  for (const peerId of remove) removals.set(peerId, nameOf(roster, view, peerId))
  const revocations = new Map<string, Draft>()
  for (const { entry } of roster.entries.values()) {
    if (entry.kind !== 'revocation' || !view.revoked.has(entry.invite)) continue
    const { invite, until } = entry
    revocations.set(invite, { kind: 'revocation', invite, until, issuedAt: now, by: 'root' })
  }
  return {
    members,
    removals: [...removals].map(([peerId, name]) => removal(peerId, name, 'root', now)),
    revocations: [...revocations.values()],
  }
}

function anew(record: MemberRecord, roles: Role[], now: number): Draft {
  const { peerId, name, admittedAt, admittedBy, invite } = record
  const life = roles.includes('signer') ? SIGNER_LIFE_MS : MEMBER_LIFE_MS
  return {
    kind: 'member',
    peerId,
    name,
    roles,
    issuedAt: now,
    expiresAt: now + life,
    admittedAt,
    admittedBy,
    ...(invite === undefined ? {} : { invite }),
    by: 'root',
  }
}

/** Of a home of which no record is left. */
function firstRecord(self: string, now: number): Draft {
  return {
    kind: 'member',
    peerId: self,
    name: self.slice(-8),
    roles: ['signer'],
    issuedAt: now,
    expiresAt: now + SIGNER_LIFE_MS,
    admittedAt: now,
    admittedBy: 'root',
    by: 'root',
  }
}

function lastRecord(roster: Roster, peerId: string): MemberRecord | undefined {
  let last: MemberRecord | undefined
  for (const { entry } of roster.entries.values()) {
    if (entry.kind !== 'member' || entry.peerId !== peerId) continue
    if (last === undefined || entry.issuedAt > last.issuedAt) last = entry
  }
  return last
}

function nameOf(roster: Roster, view: View, peerId: string): string {
  const { name } = lastRecord(roster, peerId) ?? view.removed.get(peerId)?.entry ?? { name: peerId }
  return name
}

/**
 * What this home signed under a former mesh key and nobody signed anew: records of peers that are
 * neither members nor removed, and removals and revocations that are not in force. Whose signature it
 * bore was checked when it was stored.
 */
export function planCarry(view: View, carry: readonly Entry[], self: string, now: number): Draft[] {
  const drafts = new Map<string, Draft>()
  const removed = new Set(view.removed.keys())
  for (const entry of carry) {
    if (entry.by !== self || entry.kind === 'member') continue
    if (entry.kind === 'removal') {
      if (view.signers.has(entry.peerId) || removed.has(entry.peerId)) continue
      removed.add(entry.peerId)
      drafts.set(keyOf(entry), removal(entry.peerId, entry.name, self, now))
    } else if (!view.revoked.has(entry.invite)) {
      const { invite, until } = entry
      drafts.set(keyOf(entry), { kind: 'revocation', invite, until, issuedAt: now, by: self })
    }
  }
  for (const entry of carry) {
    if (entry.by !== self || entry.kind !== 'member') continue
    const { peerId, expiresAt } = entry
    if (view.members.has(peerId) || removed.has(peerId) || expiresAt < now) continue
    const { v: _v, mesh: _mesh, epoch: _epoch, signature: _signature, ...record } = entry
    drafts.set(peerId, { ...record, issuedAt: now })
  }
  return [...drafts.values()]
}
