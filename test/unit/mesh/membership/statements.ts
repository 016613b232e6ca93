/** Entries as data, unsigned: for what does not look at signatures. */
import fc from 'fast-check'
import type {
  Entry,
  MemberRecord,
  Removal,
  Revocation,
  Roster,
  Stored,
} from '../../../../src/mesh/membership/statements.ts'
import type { Role } from '../../../../src/mesh/membership/types.ts'
import { canonicalJson, sha256 } from '../../../../src/util/index.ts'

export const DAY = 24 * 60 * 60_000
export const T0 = 1_700_000_000_000
const place = { v: 1, mesh: 'mesh', epoch: 0, signature: '' } as const

export const empty: Roster = {
  meshId: 'mesh',
  genesis: { kind: 'genesis', v: 1, name: 'demo', key: '', next: '', issuedAt: T0, signature: '' },
  rotations: [],
  entries: new Map(),
}

export function member(
  peerId: string,
  by: string,
  roles: Role[],
  more: Partial<MemberRecord> = {},
): MemberRecord {
  const issuedAt = more.issuedAt ?? T0
  return {
    kind: 'member',
    ...place,
    peerId,
    name: peerId,
    roles,
    issuedAt,
    expiresAt: issuedAt + 30 * DAY,
    admittedAt: issuedAt,
    admittedBy: by,
    by,
    ...more,
  }
}

export function removal(peerId: string, by: string, issuedAt = T0): Removal {
  return { kind: 'removal', ...place, peerId, name: peerId, issuedAt, by }
}

export function revocation(invite: string, by: string, issuedAt = T0): Revocation {
  return { kind: 'revocation', ...place, invite, until: null, issuedAt, by }
}

export function stored(...entries: Entry[]): Stored[] {
  return entries.map((entry) => ({ id: sha256(canonicalJson(entry)), entry }))
}

/** Few peers and few dates, so that statements meet. */
export function entries(): fc.Arbitrary<Stored[]> {
  const peer = fc.constantFrom('p1', 'p2', 'p3', 'p4', 'p5')
  const author = fc.constantFrom('root', 'root', 'p1', 'p2', 'p3', 'p4', 'p5')
  const issuedAt = fc.integer({ min: 0, max: 6 }).map((n) => T0 + n * 60_000)
  const record = fc
    .record({
      peerId: peer,
      by: author,
      roles: fc.constantFrom<Role[]>(['worker'], ['signer', 'worker'], ['signer'], ['observer']),
      issuedAt,
      days: fc.constantFrom(1, 7, 30),
    })
    .filter(({ peerId, by }) => peerId !== by)
    .map(({ peerId, by, roles, issuedAt, days }) =>
      member(peerId, by, roles, { issuedAt, expiresAt: issuedAt + days * DAY }),
    )
  const out = fc.tuple(peer, author, issuedAt).map((one) => removal(...one))
  const gone = fc
    .tuple(fc.constantFrom('i1', 'i2'), author, issuedAt)
    .map((one) => revocation(...one))
  const any = fc.oneof(
    { weight: 5, arbitrary: record },
    { weight: 2, arbitrary: out },
    { weight: 1, arbitrary: gone },
  )
  return fc.array(any, { maxLength: 30 }).map((list) => stored(...(list as Entry[])))
}
