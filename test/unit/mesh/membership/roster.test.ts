import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  MAX_DEPTH,
  MAX_RECORDS,
  maxRosterBytes,
  MAX_REMOVALS,
  MAX_ROTATIONS,
  maxJoinAnswerBytes,
  maxJoinRequestBytes,
} from '../../../../src/mesh/membership/limits.ts'
import { standingProof } from '../../../../src/mesh/membership/proof.ts'
import { digestOf, statementsOf, unite } from '../../../../src/mesh/membership/roster.ts'
import type { Roster, Stored } from '../../../../src/mesh/membership/statements.ts'
import { standingIn, viewOf } from '../../../../src/mesh/membership/view.ts'
import { canonicalJson } from '../../../../src/util/index.ts'
import { DAY, empty, entries, member, removal, stored, T0 } from './statements.ts'

const of = (...lists: Stored[][]) =>
  lists.reduce<Roster>((roster, list) => unite(roster, list), empty)
const all = (roster: Roster) => [...roster.entries.values()]
const runs = { numRuns: 300 }

test('a union does not depend on order, grouping or repetition', () => {
  fc.assert(
    fc.property(entries(), entries(), entries(), (x, y, z) => {
      const [rx, ry, rz] = [of(x), of(y), of(z)]
      const left = unite(unite(rx, all(ry)), all(rz))
      const right = unite(rx, all(unite(ry, all(rz))))
      expect(digestOf(left)).toBe(digestOf(right))
      expect(digestOf(unite(ry, all(rx)))).toBe(digestOf(unite(rx, all(ry))))
      expect(digestOf(unite(left, all(left)))).toBe(digestOf(left))
      expect(digestOf(of([...x].reverse()))).toBe(digestOf(rx))
    }),
    runs,
  )
})

test('peers that exchange in any order, some of them twice, end up with one roster', () => {
  const meetings = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 12 })
  fc.assert(
    fc.property(fc.array(entries(), { minLength: 4, maxLength: 4 }), meetings, (lists, meet) => {
      const homes = lists.map((list) => of(list))
      const exchange = (a: number, b: number) => {
        const [one, other] = [homes[a]!, homes[b]!]
        homes[a] = unite(one, all(other))
        homes[b] = unite(other, all(one))
      }
      for (const [a, b] of meet) exchange(a, b)
      for (const a of [0, 1, 2, 3]) for (const b of [0, 1, 2, 3]) exchange(a, b)
      for (const b of [0, 1, 2, 3]) exchange(0, b)
      expect(new Set(homes.map(digestOf)).size).toBe(1)
      const views = homes.map((home) => viewOf(home, T0 + DAY))
      for (const peer of ['p1', 'p2', 'p3', 'p4', 'p5']) {
        expect(new Set(views.map((view) => standingIn(view, peer))).size).toBe(1)
      }
    }),
    runs,
  )
})

test('whom the mesh key removed is out, whatever else is said', () => {
  fc.assert(
    fc.property(entries(), entries(), (x, y) => {
      const roster = unite(of(x), [...y, ...stored(removal('p1', 'root'))])
      const view = viewOf(roster, T0 + 60_000)
      expect(standingIn(view, 'p1')).toBe('removed')
      for (const { entry } of view.members.values()) expect(entry.by).not.toBe('p1')
    }),
    runs,
  )
})

test('every member has a way to the mesh key that nobody above cut', () => {
  fc.assert(
    fc.property(entries(), fc.integer({ min: 0, max: 40 }), (x, days) => {
      const now = T0 + days * DAY
      const view = viewOf(of(x), now)
      for (const [peerId, { entry }] of view.members) {
        expect(entry.expiresAt).toBeGreaterThanOrEqual(now - 5 * 60_000)
        expect(view.removed.has(peerId)).toBe(false)
        let { by } = entry
        for (let steps = 0; by !== 'root'; steps += 1) {
          expect(steps).toBeLessThan(9)
          const signer = view.signers.get(by)!
          expect(signer.record.entry.roles).toContain('signer')
          const above = signer.record.entry.by
          const layer = above === 'root' ? 0 : view.signers.get(above)!.layer
          expect(layer).toBeLessThan(signer.layer)
          by = above
        }
      }
    }),
    runs,
  )
})

test('statements that no signer leads to are not kept', () => {
  const kept = of(stored(member('p2', 'p1', ['worker']), removal('p3', 'p1')))
  expect(kept.entries.size).toBe(0)
  const worker = of(stored(member('p1', 'root', ['worker']), member('p2', 'p1', ['worker'])))
  expect([...worker.entries.values()].map(({ entry }) => entry.by)).toEqual(['root'])
})

test('long ended records go when later statements prove the time; no clock is asked', () => {
  const old = stored(member('p1', 'root', ['worker']))
  const later = stored(member('p2', 'root', ['worker'], { issuedAt: T0 + 38 * DAY }))
  expect(of(old).entries.size).toBe(1)
  expect([...of(old, later).entries.values()].map(({ id }) => id)).toEqual([later[0]!.id])
})

test('a flood displaces the flooder before others, and the mesh key never', () => {
  const honest = [
    member('p1', 'root', ['signer']),
    member('p2', 'root', ['signer']),
    ...Array.from({ length: 50 }, (_, n) => member(`h${n}`, 'p1', ['worker'])),
  ]
  const removals = Array.from({ length: 20 }, (_, n) => removal(`gone${n}`, n < 10 ? 'root' : 'p1'))
  const flood = Array.from({ length: MAX_RECORDS + 200 }, (_, n) =>
    member(`f${n}`, 'p2', ['worker'], { issuedAt: T0 + 1000 + n }),
  )
  const outs = Array.from({ length: MAX_REMOVALS + 200 }, (_, n) =>
    removal(`g${n}`, 'p2', T0 + 1000 + n),
  )
  const roster = of(stored(...honest, ...removals), stored(...flood, ...outs))
  const kept = new Set(all(roster).map(({ id }) => id))
  for (const { id } of stored(...honest, ...removals)) expect(kept.has(id)).toBe(true)
  expect(kept.size).toBeLessThanOrEqual(MAX_RECORDS + MAX_REMOVALS)
  expect(digestOf(unite(roster, stored(...flood, ...outs)))).toBe(digestOf(roster))
  // And when the flooder is removed, its statements go.
  const cured = unite(roster, stored(removal('p2', 'root')))
  expect(all(cured).filter(({ entry }) => entry.by === 'p2')).toEqual([])
})

test('the longest introduction fits its limit, and the longest answer its own', () => {
  const name = '\u8702'.repeat(64)
  const peer = (n: number) => `12D3KooW${String(n).padStart(44, 'x')}`
  const wide = { name, mesh: 'a'.repeat(64), signature: 'a'.repeat(86), invite: 'a'.repeat(32) }
  const chain = (from: number) =>
    Array.from({ length: MAX_DEPTH + 1 }, (_, n) => ({
      ...member(peer(from + n), n === 0 ? 'root' : peer(from + n - 1), [
        'observer',
        'signer',
        'worker',
      ]),
      admittedBy: peer(0),
      ...wide,
    }))
  const rotations = Array.from({ length: MAX_ROTATIONS }, (_, n) => ({
    kind: 'rotation' as const,
    v: 1 as const,
    mesh: wide.mesh,
    epoch: n + 1,
    key: 'a'.repeat(43),
    next: 'a'.repeat(43),
    signature: wide.signature,
  }))
  const genesis = {
    ...empty.genesis,
    name: 'a'.repeat(64),
    key: 'a'.repeat(43),
    next: 'a'.repeat(43),
    signature: wide.signature,
  }
  const roster = { ...of(stored(...chain(1), ...chain(100))), rotations, genesis }
  const view = viewOf(roster, T0)
  const far = [peer(MAX_DEPTH + 1), peer(100 + MAX_DEPTH)]
  const size = (peers: string[]) =>
    Buffer.byteLength(JSON.stringify(standingProof(roster, view, peers)))
  expect(standingProof(roster, view, far)).toHaveLength(1 + MAX_ROTATIONS + 2 * (MAX_DEPTH + 1))
  expect(size(far.slice(0, 1)) + 200).toBeLessThan(maxJoinRequestBytes)
  expect(size(far) + 200).toBeLessThan(maxJoinAnswerBytes)
})

test('the largest roster fits its limit in JSON', () => {
  const peer = `12D3KooW${'x'.repeat(44)}`
  const wide = {
    name: '\u{1F41D}'.repeat(32),
    mesh: 'a'.repeat(64),
    signature: 'a'.repeat(86),
  }
  const record = {
    ...member(peer, peer, ['observer', 'signer', 'worker'], { invite: 'a'.repeat(32) }),
    ...wide,
  }
  const out = { ...removal(peer, peer), ...wide }
  const bytes = Buffer.byteLength(canonicalJson([record, out, out]))
  expect(bytes * 1000 + Buffer.byteLength(canonicalJson(statementsOf(empty)))).toBeLessThan(
    maxRosterBytes,
  )
})
