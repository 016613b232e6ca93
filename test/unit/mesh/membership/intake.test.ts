import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { take } from '../../../../src/mesh/membership/intake.ts'
import {
  generateKey,
  keyFromSeed,
  rootOf,
  type SigningKey,
} from '../../../../src/mesh/membership/keys.ts'
import { MAX_ROTATIONS } from '../../../../src/mesh/membership/limits.ts'
import {
  digestOf,
  emptyRoster,
  epochOf,
  extendChain,
  statementsOf,
  unite,
} from '../../../../src/mesh/membership/roster.ts'
import type {
  Draft,
  Genesis,
  Roster,
  Rotation,
  Stored,
} from '../../../../src/mesh/membership/statements.ts'
import { signAll, signRoot } from '../../../../src/mesh/membership/signing.ts'
import { DAY, member, removal, T0 } from './statements.ts'
import { identityOf, type TestIdentity } from './support.ts'

const now = T0 + 60_000
const recovery = keyFromSeed(Buffer.alloc(32, 9))
const ids = [1, 2, 3, 4].map((n) => identityOf(n))
const [a, b, c, d] = ids as [TestIdentity, TestIdentity, TestIdentity, TestIdentity]
let empty: Roster
let whole: Roster
let list: Stored[]

/** As `member` and `removal` give them, signed for the place of `roster`. */
async function signed(
  roster: Roster,
  drafts: object[],
  root: SigningKey,
  by = a,
): Promise<Stored[]> {
  const bare = drafts.map((draft) => {
    const { v, mesh, epoch, signature, ...rest } = draft as Record<string, unknown>
    void [v, mesh, epoch, signature]
    return rest as unknown as Draft
  })
  return signAll(roster, bare, { identity: by, root })
}

function genesis(): Genesis {
  const { key, next } = rootOf(recovery, 0)
  const body = {
    kind: 'genesis',
    v: 1,
    name: 'demo',
    key: key.publicKey,
    next: next!,
    issuedAt: T0,
  } as const
  return signRoot<Genesis>(body, key)
}

function rotation(roster: Roster, epoch: number, key = rootOf(recovery, epoch)): Rotation {
  const body = {
    kind: 'rotation',
    v: 1,
    mesh: roster.meshId,
    epoch,
    key: key.key.publicKey,
    next: key.next,
  } as const
  return signRoot<Rotation>(body, key.key)
}

beforeAll(async () => {
  empty = emptyRoster(genesis())!
  const { key } = rootOf(recovery, 0)
  list = [
    ...(await signed(empty, [member(a.peerId, 'root', ['signer'])], key)),
    ...(await signed(
      empty,
      [
        member(b.peerId, a.peerId, ['signer']),
        member(d.peerId, a.peerId, ['worker']),
        removal(d.peerId, a.peerId),
      ],
      key,
      a,
    )),
    ...(await signed(empty, [member(c.peerId, b.peerId, ['worker'])], key, b)),
  ]
  whole = unite(empty, list)
})

test('what verifies is taken, in any order, at once or one by one until nothing is new', async () => {
  const statements = statementsOf(whole)
  for (const order of [statements, [...statements].reverse()]) {
    const { roster, added, refused } = await take(empty, order, now)
    expect(digestOf(roster)).toBe(digestOf(whole))
    expect(added).toBe(list.length)
    expect(refused).toEqual({})
  }
  let roster = empty
  for (let round = 0; round < statements.length; round += 1) {
    for (const one of [...statements].reverse()) roster = (await take(roster, [one], now)).roster
  }
  expect(digestOf(roster)).toBe(digestOf(whole))
  expect((await take(whole, statements, now)).added).toBe(0)
})

test('a statement that was changed anywhere is refused', async () => {
  const statements = statementsOf(whole).slice(1)
  const value = fc.oneof(
    fc.constantFrom<unknown>('root', a.peerId, d.peerId, 'worker', ['signer'], null, true, '', 0),
    fc.integer({ min: -1, max: 40 }).map((n) => T0 + n * DAY),
    fc.jsonValue(),
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(statements.length - 1), fc.nat(), value, async (which, where, what) => {
      const original = statements[which] as unknown as Record<string, unknown>
      const fields = Object.keys(original)
      const field = fields[where % fields.length]!
      const changed = { ...original, [field]: what }
      fc.pre(JSON.stringify(changed) !== JSON.stringify(original))
      const { added, refused } = await take(whole, [changed], now)
      expect(added).toBe(0)
      expect(Object.values(refused)).toEqual([1])
    }),
    { numRuns: 150 },
  )
})

test('no other text of the same signature is taken', async () => {
  const last = list.at(-1)!.entry
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const end = alphabet.indexOf(last.signature.at(-1)!)
  const signature = last.signature.slice(0, -1) + alphabet[end + 1]!
  expect(Buffer.from(signature, 'base64url')).toEqual(Buffer.from(last.signature, 'base64url'))
  expect(
    (await take(empty, [...statementsOf(whole), { ...last, signature }], now)).refused,
  ).toEqual({ malformed: 1 })
})

test.each<[string, object, string]>([
  ['of another mesh', { mesh: 'a'.repeat(64) }, 'foreign'],
  ['of an epoch to come', { epoch: 1 }, 'ahead'],
  ['from the future', { issuedAt: T0 + DAY, expiresAt: T0 + 2 * DAY }, 'future'],
  ['that lives too long', { expiresAt: T0 + 32 * DAY }, 'lifetime'],
  ['that ends before it begins', { expiresAt: T0 - 1 }, 'lifetime'],
  ['about its author', { peerId: b.peerId }, 'selfmade'],
  ['by nobody', { by: d.peerId }, 'unsupported'],
  ['by another', { by: a.peerId }, 'forged'],
  ['by the mesh key, it says', { by: 'root' }, 'forged'],
  ['with a name that moves the cursor', { name: 'a\u001b[2J' }, 'malformed'],
  ['with a field more', { note: 'hello' }, 'malformed'],
  ['with unsorted roles', { roles: ['worker', 'observer'] }, 'malformed'],
])('a record %s is refused', async (_what, change, reason) => {
  const record = list.at(-1)!.entry
  const { added, refused } = await take(whole, [{ ...record, ...change }], now)
  expect({ added, refused }).toEqual({ added: 0, refused: { [reason]: 1 } })
})

test('junk of every kind is refused and throws nothing', async () => {
  let deep: unknown = []
  for (let n = 0; n < 5000; n += 1) deep = [deep]
  const junk = [null, 1, 'x', [], {}, deep, { kind: 'member' }, { kind: '__proto__' }]
  const { added, refused } = await take(whole, junk, now)
  expect({ added, refused }).toEqual({ added: 0, refused: { malformed: junk.length } })
  expect((await take(whole, Array(20).fill(null), now, 5)).refused).toEqual({
    malformed: 5,
    many: 15,
  })
})

test('a mesh of the same name is another mesh', async () => {
  const { key, next } = rootOf(generateKey(), 0)
  const body = {
    kind: 'genesis',
    v: 1,
    name: 'demo',
    key: key.publicKey,
    next: next!,
    issuedAt: T0,
  } as const
  const other = signRoot<Genesis>(body, key)
  expect((await take(whole, [other], now)).refused).toEqual({ foreign: 1 })
  expect(emptyRoster({ ...other, name: 'damo' })).toBeUndefined()
})

test('rotations continue the chain in any order, and void what was before', async () => {
  const rotations = [1, 2, 3].map((epoch) => rotation(empty, epoch))
  const { roster, added } = await take(whole, [...rotations].reverse(), now)
  expect({ epoch: epochOf(roster), added, entries: roster.entries.size }).toEqual({
    epoch: 3,
    added: 3,
    entries: 0,
  })
  expect((await take(roster, statementsOf(whole), now)).refused).toEqual({ stale: list.length })
})

test('nobody forks the chain: not with the present mesh key, nor with all that were used', async () => {
  const advanced = extendChain(empty, [rotation(empty, 1)])
  const thief = rootOf(generateKey(), 2)
  const used = rootOf(recovery, 1)
  const forks = [
    rotation(empty, 2, thief),
    rotation(empty, 2, used),
    // The same key with a commitment of the thief's.
    rotation(empty, 1, { ...used, next: thief.next }),
    { ...rotation(empty, 2), key: thief.key.publicKey },
    { ...rotation(empty, 2), signature: rotation(empty, 1).signature },
  ]
  for (const fork of forks) {
    expect(epochOf((await take(advanced, [fork], now)).roster)).toBe(1)
    expect((await take(empty, [fork], now)).refused).toEqual({ broken: 1 })
  }
  expect(epochOf((await take(advanced, [...forks, rotation(empty, 2)], now)).roster)).toBe(2)
})

test('the last rotation is the last', async () => {
  const all = Array.from({ length: MAX_ROTATIONS }, (_, n) => rotation(empty, n + 1))
  expect(all.at(-1)?.next).toBeNull()
  const { roster } = await take(empty, all, now)
  expect(epochOf(roster)).toBe(MAX_ROTATIONS)
})
