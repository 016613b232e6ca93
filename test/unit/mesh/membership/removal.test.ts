import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Membership, Standing } from '../../../../src/mesh/index.ts'
import { address, codeOf, createWorld, sync, wire, type World } from './support.ts'

let world: World
let ada: Membership
beforeEach(async () => {
  world = await createWorld()
  ada = await world.found()
})
afterEach(() => world.close())

const DAY = 24 * 60 * 60_000
const standings = (one: Membership, ...others: Membership[]) =>
  others.map(({ peerId }) => one.standing(peerId))

test('a removed machine is out everywhere, learns it, and does not come back by a token', async () => {
  const bob = await world.admit('bob', ada)
  const cat = await world.admit('cat', ada)
  await sync(ada, bob, cat)
  const told: Standing[] = []
  bob.events.on('out', (standing) => told.push(standing))
  expect(await ada.remove('bob')).toMatchObject({ name: 'bob', standing: 'removed', by: 'root' })
  await cat.merge(wire(ada.statements()))
  expect(cat.standing(bob.peerId)).toBe('removed')
  // Bob meets Cat, who proves to him what happened.
  const answer = await cat.answer(wire(bob.introduction()), { peerId: bob.peerId })
  expect(await bob.introduced(wire(answer))).toBe('removed')
  expect(bob.standing(bob.peerId)).toBe('removed')
  expect(told).toEqual(['removed'])
  const { token } = await ada.invite({ addresses: [address], uses: null })
  const step = await world.attempt('bob', ada, { token })
  expect(step).toMatchObject({ is: 'refused', code: 'MEMBER_REMOVED', final: true })
  expect(await world.attempt('bob', ada)).toMatchObject({ code: 'MEMBER_REMOVED', final: true })
  expect(ada.asks()).toEqual([])
  // A year later as well.
  await world.clock.advance(364 * DAY)
  await ada.renew(() => true)
  const late = await ada.invite({ addresses: [address] })
  expect(await world.attempt('bob', ada, { token: late.token })).toMatchObject({
    code: 'MEMBER_REMOVED',
  })
})

test('a refusal that says removed without proof is not final', async () => {
  const { token } = await ada.invite({ addresses: [address] })
  const bob = await world.joiner('bob', { token })
  const lie = { kind: 'refused', v: 1, code: 'MEMBER_REMOVED', statements: wire(ada.statements()) }
  expect(await bob.accept(lie, ada.peerId)).toMatchObject({ code: 'MEMBER_REMOVED', final: false })
})

test('removal wins over renewal on the other side of a partition', async () => {
  const sue = await world.admit('sue', ada, { roles: ['signer'] })
  const bob = await world.admit('bob', ada)
  await sync(ada, sue, bob)
  await world.clock.advance(16 * DAY)
  expect(await sue.renew((peer) => peer === bob.peerId)).toBe(1)
  await ada.remove('bob')
  expect(standings(sue, bob)).toEqual(['member'])
  await sync(ada, sue, bob)
  expect([ada, sue, bob].map((one) => one.standing(bob.peerId))).toEqual([
    'removed',
    'removed',
    'removed',
  ])
  expect(new Set([ada, sue, bob].map((one) => one.digest())).size).toBe(1)
})

test('workers remove nobody, signers no signer, nobody itself', async () => {
  const sue = await world.admit('sue', ada, { roles: ['signer'] })
  const bob = await world.admit('bob', ada)
  await sync(ada, sue, bob)
  expect(await codeOf(() => bob.remove('sue'))).toBe('NOT_SIGNER')
  expect(await codeOf(() => bob.revokeInvite('a'.repeat(32)))).toBe('NOT_SIGNER')
  expect(await codeOf(() => bob.approve('x'))).toBe('NOT_SIGNER')
  expect(await codeOf(() => sue.remove('ada'))).toBe('NEEDS_ROOT')
  expect(await codeOf(() => ada.remove('ada'))).toBe('MEMBER_SELF')
  expect(await codeOf(() => ada.remove('nobody'))).toBe('MEMBER_UNKNOWN')
  expect(await sue.remove('bob')).toMatchObject({ standing: 'removed', by: sue.peerId })
  expect(await sue.remove(bob.peerId)).toMatchObject({ standing: 'removed' })
})

test('two of one name are told apart by peer id', async () => {
  await world.admit('one', ada)
  const { token } = await ada.invite({ addresses: [address] })
  await world.attempt('two', ada, { token, name: 'one' })
  expect(await codeOf(() => ada.remove('one'))).toBe('MEMBER_AMBIGUOUS')
})

test('a removed signer: what it signed stays in force, unless it is distrusted', async () => {
  const build = async (tag: string) => {
    const root = await world.found(`root${tag}`)
    const sue = await world.admit(`sue${tag}`, root, { roles: ['signer'] })
    await sync(root, sue)
    const bob = await world.admit(`bob${tag}`, sue)
    const tom = await world.admit(`tom${tag}`, sue, { roles: ['signer'] })
    await sync(root, sue, bob, tom)
    const pat = await world.admit(`pat${tag}`, tom)
    const own = await world.admit(`own${tag}`, root)
    const bad = await world.admit(`bad${tag}`, root)
    await sync(root, sue, bob, tom, pat, own, bad)
    await sue.remove(`bad${tag}`)
    await sync(root, sue, bob, tom, pat, own, bad)
    return { root, sue, bob, tom, pat, own, bad }
  }
  const kept = await build('1')
  await kept.root.remove('sue1')
  await sync(kept.root, kept.own, kept.pat, kept.tom)
  for (const one of [kept.root, kept.own, kept.pat]) {
    expect(standings(one, kept.sue, kept.bob, kept.tom, kept.pat, kept.own, kept.bad)).toEqual([
      'removed',
      'member',
      'member',
      'member',
      'member',
      'removed',
    ])
  }
  expect(kept.root.roles(kept.tom.peerId)).toEqual(['signer'])

  const gone = await build('2')
  await gone.root.remove('sue2', { distrust: true })
  expect(standings(gone.root, gone.sue, gone.bob, gone.tom, gone.pat, gone.own)).toEqual([
    'removed',
    'removed',
    'removed',
    'removed',
    'member',
  ])
})

test('a thief with a signer key cannot have others thrown out by claiming that it let them in', async () => {
  const sue = await world.admit('sue', ada, { roles: ['signer'] })
  const bob = await world.admit('bob', ada)
  await sync(ada, sue, bob)
  await world.clock.advance(20 * DAY)
  await sue.renew(() => true)
  await sync(ada, sue)
  expect(ada.members().find(({ name }) => name === 'bob')).toMatchObject({
    by: sue.peerId,
    admittedBy: ada.peerId,
  })
  await ada.remove('sue', { distrust: true })
  expect(standings(ada, bob)).toEqual(['member'])
})

test('records are renewed at half of their life, for the living, by one signer', async () => {
  const sue = await world.admit('sue', ada, { roles: ['signer'] })
  const bob = await world.admit('bob', ada)
  const tim = await world.admit('tim', ada)
  await sync(ada, sue, bob, tim)
  const alive = (peer: string) => peer !== tim.peerId
  expect(await ada.renew(alive)).toBe(0)
  await world.clock.advance(15.5 * DAY)
  const signed = [await ada.renew(alive), await sue.renew(alive), await bob.renew(alive)]
  expect(signed.toSorted((a, b) => a - b)).toEqual([0, 0, 1])
  await world.clock.advance(15 * DAY)
  await sync(ada, sue, bob, tim)
  expect(standings(ada, bob, tim, sue)).toEqual(['member', 'expired', 'member'])
})

test('the holder of the mesh key renews itself and signers, also when it comes late', async () => {
  const sue = await world.admit('sue', ada, { roles: ['signer'] })
  await sync(ada, sue)
  await world.clock.advance(366 * DAY)
  expect([ada.standing(ada.peerId), ada.standing(sue.peerId)]).toEqual(['expired', 'expired'])
  expect(await ada.renew(() => true)).toBe(1)
  expect(ada.standing(ada.peerId)).toBe('member')
  const { token } = await ada.invite({ addresses: [address], roles: ['signer'] })
  expect((await world.attempt('sue', ada, { token })).is).toBe('joined')
})

test('a removal outlives the signer that signed it', async () => {
  const sue = await world.admit('sue', ada, { roles: ['signer'] })
  const tom = await world.admit('tom', ada, { roles: ['signer'] })
  await sync(ada, sue, tom)
  // Sue vouches for a signer of her own, whose record is short.
  const una = await world.admit('una', sue, { roles: ['signer'] })
  const bob = await world.admit('bob', ada)
  await sync(ada, sue, tom, una, bob)
  await una.remove('bob')
  const { id } = await una.invite({ addresses: [address], uses: null, ttlMs: null })
  await una.revokeInvite(id)
  await sync(ada, tom, una)
  await world.clock.advance(25 * DAY)
  expect(await tom.renew((peer) => peer === ada.peerId)).toBe(2)
  expect(await tom.renew((peer) => peer === ada.peerId)).toBe(0)
  await world.clock.advance(10 * DAY)
  expect(standings(tom, una, bob)).toEqual(['expired', 'removed'])
})

test('a member that is not known shows itself; both know each other then', async () => {
  const sue = await world.admit('sue', ada, { roles: ['signer'] })
  await sync(ada, sue)
  const bob = await world.admit('bob', ada)
  const cat = await world.admit('cat', sue)
  expect([bob.standing(cat.peerId), cat.standing(bob.peerId)]).toEqual(['stranger', 'stranger'])
  const introduction = wire(cat.introduction())
  expect(Buffer.byteLength(JSON.stringify(introduction))).toBeLessThan(16 * 1024)
  const answer = await bob.answer(introduction, { peerId: cat.peerId })
  expect(bob.standing(cat.peerId)).toBe('member')
  expect(await cat.introduced(wire(answer))).toBe('member')
  expect(cat.standing(bob.peerId)).toBe('member')
})

test('answers to an introduction that make no sense change nothing', async () => {
  const before = ada.digest()
  for (const junk of [
    null,
    'x',
    {},
    { kind: 'met', v: 1, standing: 'king', statements: [] },
    { kind: 'pending' },
  ]) {
    expect(await ada.introduced(junk)).toBeUndefined()
  }
  const lie = { kind: 'refused', v: 1, code: 'MEMBER_REMOVED' }
  expect(await ada.introduced(lie)).toBe('removed')
  expect([ada.digest(), ada.standing(ada.peerId)]).toEqual([before, 'member'])
})

test('a removal counts at once, also from a machine whose clock is far ahead or behind', async () => {
  const bob = await world.admit('bob', ada)
  const cat = await world.admit('cat', ada)
  const sue = await world.admit('sue', ada)
  await sync(ada, bob, cat, sue)
  for (const [name, days] of [
    ['bob', 300],
    ['cat', -300],
  ] as const) {
    world.clock.jump(days * DAY)
    await ada.remove(name)
    world.clock.jump(-days * DAY)
  }
  expect((await sue.merge(wire(ada.statements()))).refused).toEqual({})
  expect(standings(sue, bob, cat, ada)).toEqual(['removed', 'removed', 'member'])
})

test('a clock that jumps puts members out while it is wrong, and loses nothing', async () => {
  const bob = await world.admit('bob', ada)
  await sync(ada, bob)
  const told: string[] = []
  let changes = 0
  bob.events.on('change', () => (changes += 1))
  bob.events.on('out', (standing) => told.push(standing))
  world.clock.jump(3000 * DAY)
  expect(bob.standing(bob.peerId)).toBe('expired')
  await bob.renew(() => true)
  expect(told).toEqual([])
  await world.clock.advance(30_000)
  expect(await bob.merge(wire(ada.statements()))).toMatchObject({ added: 0 })
  world.clock.jump(-3000 * DAY)
  expect([bob.standing(bob.peerId), bob.standing(ada.peerId)]).toEqual(['member', 'member'])
  expect(told).toEqual(['expired'])
  await Promise.resolve()
  expect(changes).toBe(1)
  expect(bob.digest()).toBe(ada.digest())
})
