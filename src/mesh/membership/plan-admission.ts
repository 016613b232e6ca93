/** The record that admits a peer: pure. */
import { SIGNER_LIFE_MS } from './limits.ts'
import { type Draft, type Roster, sortRoles } from './statements.ts'
import type { Role } from './types.ts'
import { rolesIn, type View } from './view.ts'

export interface Admission {
  peerId: string
  name: string
  roles: readonly Role[]
  /** Of the record, ms; a signer's by the mesh key lives longer. */
  life: number
  invite?: string
}

/** What is decided with: a `Core` has it all. */
export interface Admitting {
  readonly self: string
  readonly roster: Roster
  /** Defined when the mesh key is here: then it signs signers, so that they last. */
  readonly root: unknown
  times(): { now: number }
  view(): View
}

/** Who is a member already keeps its roles. Newer than all records of that peer that are known. */
export function admission(at: Admitting, { peerId, name, roles, life, invite }: Admission): Draft {
  const view = at.view()
  const former = view.members.get(peerId)?.entry
  const granted = sortRoles([...roles, ...rolesIn(view, peerId)])
  const lasting = granted.includes('signer') && at.root !== undefined
  let issuedAt = at.times().now
  for (const { entry } of at.roster.entries.values()) {
    if (entry.kind === 'member' && entry.peerId === peerId) {
      issuedAt = Math.max(issuedAt, entry.issuedAt + 1)
    }
  }
  const source = invite ?? former?.invite
  return {
    kind: 'member',
    peerId,
    name,
    roles: granted,
    issuedAt,
    expiresAt: issuedAt + (lasting ? SIGNER_LIFE_MS : life),
    admittedAt: former?.admittedAt ?? issuedAt,
    admittedBy: former?.admittedBy ?? at.self,
    ...(source === undefined ? {} : { invite: source }),
    by: lasting ? 'root' : at.self,
  }
}
