import { expect, test } from 'vitest'
import { vouchFor } from '../../../../src/mesh/membership/plan-removal.ts'
import { unite } from '../../../../src/mesh/membership/roster.ts'
import type { Entry } from '../../../../src/mesh/membership/statements.ts'
import { rolesIn, standingIn, viewOf } from '../../../../src/mesh/membership/view.ts'
import { DAY, empty, member, removal, revocation, stored, T0 } from './statements.ts'

const at = (now: number, ...list: Entry[]) => viewOf(unite(empty, stored(...list)), now)
const now = T0 + 60_000
const SIGNER: ['signer'] = ['signer']

test('a chain of signers admits; a worker admits nobody', () => {
  const view = at(
    now,
    member('a', 'root', SIGNER),
    member('b', 'a', SIGNER),
    member('c', 'b', ['worker']),
    member('d', 'c', ['worker']),
  )
  expect(['a', 'b', 'c', 'd'].map((peer) => standingIn(view, peer))).toEqual([
    'member',
    'member',
    'member',
    'stranger',
  ])
  expect(view.signers.get('b')?.layer).toBe(2)
})

test('an expired record: so many minutes of grace, then expired, and what hangs on it too', () => {
  const list = [member('a', 'root', SIGNER, { expiresAt: T0 + DAY }), member('b', 'a', ['worker'])]
  expect(standingIn(at(T0 + DAY + 4 * 60_000, ...list), 'b')).toBe('member')
  const later = at(T0 + DAY + 6 * 60_000, ...list)
  expect(standingIn(later, 'a')).toBe('expired')
  expect(standingIn(later, 'b')).toBe('expired')
  expect(rolesIn(later, 'a')).toEqual([])
  expect(at(T0, ...list).until).toBe(T0 + DAY + 5 * 60_000)
})

test('two signers that vouch for each other alone are none', () => {
  const ends = { expiresAt: T0 + DAY }
  const view = at(
    T0 + 2 * DAY,
    member('a', 'root', SIGNER, ends),
    member('b', 'a', SIGNER),
    member('a', 'b', SIGNER),
  )
  expect(view.signers.size).toBe(0)
  expect(standingIn(view, 'a')).toBe('expired')
})

test('a chain that is too long ends', () => {
  const names = Array.from({ length: 10 }, (_, n) => `s${n}`)
  const view = at(
    now,
    ...names.map((name, n) => member(name, n === 0 ? 'root' : names[n - 1]!, SIGNER)),
  )
  expect(view.signers.size).toBe(8)
  expect(standingIn(view, 's8')).toBe('member')
  expect(rolesIn(view, 's8')).toEqual([])
  expect(standingIn(view, 's9')).toBe('expired')
})

test('a signer removes a worker, for good, also when another signer renews it meanwhile', () => {
  const list = [
    member('a', 'root', SIGNER),
    member('b', 'root', SIGNER),
    member('w', 'a', ['worker']),
    removal('w', 'a', T0 + 1000),
    member('w', 'b', ['worker'], { issuedAt: T0 + 2000 }),
  ]
  expect(standingIn(at(now, ...list), 'w')).toBe('removed')
})

test('promoting whom a signer of the same rank removed does not bring it back', () => {
  const list = [
    member('a', 'root', SIGNER),
    member('b', 'root', SIGNER),
    member('w', 'b', SIGNER, { issuedAt: T0 + 2000 }),
    member('x', 'w', ['worker'], { issuedAt: T0 + 3000 }),
    removal('w', 'a', T0 + 1000),
  ]
  const view = at(now, ...list)
  expect(standingIn(view, 'w')).toBe('removed')
  expect(standingIn(view, 'x')).toBe('expired')
})

test('signers do not remove each other, nor those above them; the mesh key does', () => {
  const list = [
    member('a', 'root', SIGNER),
    member('b', 'root', SIGNER),
    member('c', 'a', SIGNER),
    removal('a', 'b'),
    removal('b', 'a'),
    removal('a', 'c'),
  ]
  const view = at(now, ...list)
  expect([...view.signers.keys()].sort()).toEqual(['a', 'b', 'c'])
  expect(view.removed.size).toBe(0)
  const after = at(now, ...list, removal('a', 'root'))
  expect(standingIn(after, 'a')).toBe('removed')
  expect(standingIn(after, 'c')).toBe('expired')
  expect(standingIn(after, 'b')).toBe('member')
})

test('the mesh key overrules older records; only it takes the signer role away', () => {
  const list = [
    member('a', 'root', SIGNER),
    member('b', 'root', ['signer', 'worker'], { issuedAt: T0 }),
    member('b', 'a', ['observer'], { issuedAt: T0 + 1000 }),
  ]
  expect(rolesIn(at(now, ...list), 'b')).toEqual(['observer', 'signer'])
  const demoted = at(now, ...list, member('b', 'root', ['worker'], { issuedAt: T0 + 2000 }))
  expect(rolesIn(demoted, 'b')).toEqual(['worker'])
  expect(demoted.signers.has('b')).toBe(false)
  const again = at(
    now,
    ...list,
    member('b', 'root', ['worker'], { issuedAt: T0 + 2000 }),
    member('b', 'a', ['signer', 'worker'], { issuedAt: T0 + 3000 }),
  )
  expect(again.signers.has('b')).toBe(true)
})

test('a demoted signer cannot undo its demotion through those it made', () => {
  const list = [
    member('a', 'root', SIGNER),
    member('b', 'a', SIGNER),
    member('a', 'b', SIGNER, { issuedAt: T0 + 5000 }),
    member('a', 'root', ['worker'], { issuedAt: T0 + 1000 }),
  ]
  const view = at(now, ...list)
  expect(view.signers.size).toBe(0)
  expect(rolesIn(view, 'a')).toEqual(['worker'])
})

test('whom a removed signer made a signer stays one, also when another renewed its record', () => {
  const list = [
    member('a', 'root', SIGNER),
    member('b', 'root', SIGNER),
    member('c', 'a', ['signer', 'worker']),
    member('c', 'b', ['worker'], { issuedAt: T0 + 1000 }),
    member('d', 'c', ['worker']),
    removal('x', 'a'),
    revocation('one', 'a'),
  ]
  const roster = unite(empty, stored(...list))
  const view = viewOf(roster, now)
  const drafts = [...vouchFor(roster, view, 'a', now), { ...removal('a', 'root', now) }]
  const signed = drafts.map((draft): Entry => ({ ...revocation('', ''), ...draft }))
  const after = viewOf(unite(roster, stored(...signed)), now + 1)
  expect(rolesIn(after, 'c')).toEqual(['signer', 'worker'])
  expect(standingIn(after, 'd')).toBe('member')
  expect(standingIn(after, 'x')).toBe('removed')
  expect([...after.revoked]).toEqual(['one'])
})

test('invites are revoked by signers only', () => {
  const list = [
    member('a', 'root', SIGNER),
    member('w', 'a', ['worker']),
    revocation('one', 'a'),
    revocation('two', 'w'),
    revocation('three', 'root'),
  ]
  expect([...at(now, ...list).revoked].sort()).toEqual(['one', 'three'])
})
