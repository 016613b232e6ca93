import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf, stepEntries, toDrop, type Kept } from '../../../src/journal/replica/budget.ts'
import { readBundle } from '../../../src/journal/index.ts'
import { sleep, until } from '../../../src/util/index.ts'
import {
  collect,
  meet,
  Network,
  replicated,
  seen,
  startMember,
  verifySignature,
  type Member,
} from './helpers.ts'

const kept = fc.record({
  own: fc.boolean(),
  seenMs: fc.nat(1_000),
  each: fc.integer({ min: 1, max: 5_000 }),
  length: fc.nat(20_000),
  missing: fc.nat(300),
  part: fc.double({ min: 0, max: 1, noNaN: true }),
})

const from = (list: readonly (typeof kept extends fc.Arbitrary<infer T> ? T : never)[]): Kept[] =>
  list.map(({ own, seenMs, each, length, missing, part }, i) => {
    const available = Math.max(0, length - missing)
    const dropped = Math.floor(available * part)
    return {
      key: `${i}`,
      own,
      seenMs,
      bytes: each * length,
      length,
      available,
      dropped: dropped - (dropped % stepEntries),
    }
  })

describe('what is dropped', () => {
  it('is never of the own, is no more than is needed, and comes from the longest-gone first', () => {
    fc.assert(
      fc.property(
        fc.array(kept, { maxLength: 12 }),
        fc.integer({ min: 1, max: 1e8 }),
        (list, budget) => {
          const all = from(list)
          const drops = toDrop(all, budget)
          const byKey = new Map(all.map((one) => [one.key, one]))
          const after = all.map((one) => {
            const drop = drops.find(({ key }) => key === one.key)
            return drop === undefined ? one : { ...one, dropped: drop.to }
          })
          const sum = (some: Kept[]) =>
            some.filter(({ own }) => !own).reduce((total, one) => total + bytesOf(one), 0)
          if (sum(all) <= budget) {
            expect(drops).toEqual([])
            return
          }
          const emptied = (one: Kept) => one.dropped > one.available - stepEntries
          for (const { key, to } of drops) {
            const one = byKey.get(key)
            expect(one?.own).toBe(false)
            expect(to).toBeGreaterThan(Math.max(2, one?.dropped ?? 0))
            expect(to % stepEntries).toBe(0)
            expect(to).toBeLessThanOrEqual(one?.available ?? 0)
          }
          const left = after.filter(
            (one) => !one.own && one.available >= stepEntries && !emptied(one),
          )
          if (left.length > 0) expect(sum(after)).toBeLessThanOrEqual(budget * 0.9 + 1)
          // Only the last one that was touched has something left.
          const touched = drops.map(({ key }) => after.find((one) => one.key === key))
          for (const one of touched.slice(0, -1))
            expect(one !== undefined && emptied(one)).toBe(true)
          const times = drops.map(({ key }) => byKey.get(key)?.seenMs ?? 0)
          expect(times).toEqual(times.toSorted((a, b) => a - b))
        },
      ),
    )
  })
})

describe('a budget for others', () => {
  const fill = async (member: Member, count: number) => {
    await Promise.all(Array.from({ length: count }, (_, i) => member.journal.append(seen(i))))
  }

  it('drops the oldest entries of who is gone; the rest is read, verifies, and is passed on', async () => {
    const network = new Network()
    const ada = await startMember('ada', { network })
    const bob = await startMember('bob', { network, limits: { budgetEveryMs: 10 } })
    await fill(ada, 1_500)
    meet(ada, bob)
    await replicated(bob.journal, ada.identity.peerId, 1_501)
    await ada.journal.stop()
    await replicated(bob.journal, ada.identity.peerId, 1_502)
    const { bytes } = bob.journal.kept()
    await bob.journal.stop()

    const limits = { budgetEveryMs: 10, budgetBytes: Math.floor(bytes * 0.75) }
    const again = await startMember('bob', { ...bob, network, limits })
    const others = () => again.journal.kept()
    await until('that entries are dropped', 10_000, () => others().droppedEntries > 0)
    const info = () => again.journal.journals().find(({ agent }) => agent === 'ada')
    await until('room', 5_000, () => others().bytes < limits.budgetBytes)
    const { dropped = 0 } = info() ?? {}
    expect(info()).toMatchObject({ available: 1_502, length: 1_502, identity: 'proven' })
    expect(dropped).toBeGreaterThan(250)
    expect(dropped).toBeLessThan(1_200)

    const check = async (member: Member) => {
      const entries = await collect(member.journal.read({ agent: 'ada' }))
      expect(entries.map(({ seq }) => seq)).toEqual([
        0,
        1,
        ...Array.from({ length: 1_500 - dropped }, (_, i) => 2 + dropped + i),
      ])
      expect(await member.journal.verify('ada')).toMatchObject([{ problems: [], dropped }])
      let text = ''
      for await (const line of member.journal.bundle({ agent: 'ada' })) {
        text += `${JSON.stringify(line)}\n`
      }
      const chunks = (async function* one() {
        yield Buffer.from(text)
      })()
      const bundle = await readBundle(chunks, { verify: verifySignature })
      expect(bundle).toMatchObject({ ok: true, entries: 1_502 - dropped })
    }
    await check(again)

    // Neither a restart nor the owner's return brings it back.
    await again.journal.stop()
    const third = await startMember('bob', { ...bob, network, limits })
    const back = await startMember('ada', { ...ada, network })
    meet(back, third)
    await replicated(third.journal, ada.identity.peerId, 1_503)
    await sleep(50)
    expect(third.journal.journals().find(({ agent }) => agent === 'ada')).toMatchObject({
      dropped,
      available: back.journal.head().length,
    })
  })

  it.each([
    ['own', false, 0],
    ['followed', false, 0],
    ['followed', true, 1],
    ['all', false, 1],
  ] as const)(
    'with the policy %s, and related: %s, keeps %i journals',
    async (replicate, related, count) => {
      const network = new Network()
      const ada = await startMember('ada', { network })
      const bob = await startMember('bob', { network, replicate })
      const { key, epoch } = ada.journal.head()
      const announced = { peerId: ada.identity.peerId, key, epoch, name: 'ada', related }
      bob.journal.follow(announced)
      ada.journal.follow({ peerId: bob.identity.peerId, ...bob.journal.head() })
      ada.journal.connect(bob.identity.peerId)
      bob.journal.connect(ada.identity.peerId)
      await replicated(ada.journal, bob.identity.peerId, 1)
      if (count === 1) await replicated(bob.journal, ada.identity.peerId, 1)
      expect(bob.journal.kept().journals).toBe(replicate === 'own' ? 0 : count)
      await bob.journal.stop()
      const now = await startMember('bob', { ...bob, network, replicate: 'own' })
      await ada.journal.append(seen(1))
      meet(ada, now)
      await replicated(ada.journal, bob.identity.peerId, now.journal.head().length)
      expect(now.journal.journals().find(({ own }) => !own)?.length ?? 1).toBe(1)
    },
  )
})
