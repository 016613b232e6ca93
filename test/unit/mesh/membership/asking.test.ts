import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AskView, JoinStep, Membership } from '../../../../src/mesh/index.ts'
import { AskBook } from '../../../../src/mesh/membership/asks.ts'
import { wordsOf } from '../../../../src/mesh/membership/words.ts'
import { fakeClock } from '../fake-clock.ts'
import { address, codeOf, createWorld, sync, wire, type World } from './support.ts'

let world: World
let ada: Membership
beforeEach(async () => {
  world = await createWorld()
  ada = await world.found()
})
afterEach(() => world.close())

test('both sides see the same six words; after approval the next try joins', async () => {
  const heard: AskView[] = []
  ada.events.on('asked', (ask) => heard.push(ask))
  const first = await world.attempt('bob', ada)
  const again = await world.attempt('bob', ada)
  if (first.is !== 'pending') throw new Error(first.is)
  expect(again).toEqual(first)
  expect(first.words).toMatch(/^([a-z]+ ){5}[a-z]+$/)
  expect(heard).toHaveLength(1)
  expect(ada.asks()).toMatchObject([
    { name: 'bob', roles: ['worker'], words: first.words, address },
  ])

  const admitted = await ada.approve(first.words.toUpperCase().replaceAll(' ', '-'))
  expect(admitted).toMatchObject({
    name: 'bob',
    roles: ['worker'],
    standing: 'member',
    by: ada.peerId,
  })
  expect(ada.asks()).toEqual([])
  expect((await world.attempt('bob', ada)).is).toBe('joined')
})

test('the words are of mesh and peer: with another mesh or peer they differ', async () => {
  const [mesh, peer] = ['a'.repeat(64), ada.peerId]
  const words = await wordsOf(mesh, peer)
  expect(await wordsOf(mesh, peer)).toBe(words)
  expect(await wordsOf('b'.repeat(64), peer)).not.toBe(words)
  expect(await wordsOf(mesh, `${peer.slice(0, -1)}x`)).not.toBe(words)
})

test('one signer approves, another answers the next try', async () => {
  const sue = await world.admit('sue', ada, { roles: ['signer'] })
  await sync(ada, sue)
  await world.attempt('bob', ada)
  await world.attempt('bob', sue)
  await ada.approve('bob')
  await sync(ada, sue)
  expect(sue.asks()).toEqual([])
  expect((await world.attempt('bob', sue)).is).toBe('joined')
})

test('nobody becomes a signer by asking; the approver may say so', async () => {
  await world.attempt('bob', ada, { roles: ['signer'] })
  expect((await ada.approve('bob')).roles).toEqual(['observer'])
  await world.attempt('eve', ada, { roles: ['worker'] })
  expect((await ada.approve('eve', { roles: ['worker', 'signer'] })).roles).toEqual([
    'signer',
    'worker',
  ])
})

test('denied, by a name that is not there, by one of two of a name', async () => {
  await world.attempt('bob', ada)
  await ada.deny('bob')
  const denied = await world.attempt('bob', ada)
  expect(denied).toMatchObject({ is: 'refused', code: 'ASK_DENIED', final: true })
  expect(await codeOf(() => ada.approve('bob'))).toBe('ASK_UNKNOWN')
  await world.clock.advance(10 * 60_000 + 1)
  expect((await world.attempt('bob', ada)).is).toBe('pending')
  await world.attempt('twin', ada, { name: 'bob' })
  expect(await codeOf(() => ada.approve('bob'))).toBe('ASK_AMBIGUOUS')
  const [one] = ada.asks()
  expect((await ada.approve(one!.peerId)).peerId).toBe(one!.peerId)
})

test('only a mesh of the wanted name is asked', async () => {
  expect(await world.attempt('bob', ada, { meshName: 'other' })).toMatchObject({
    code: 'JOIN_WRONG_MESH',
  })
  expect((await world.attempt('bob', ada, { meshName: 'demo' })).is).toBe('pending')
})

test('a welcome that no person trusted is not accepted', async () => {
  await world.attempt('bob', ada)
  await ada.approve('bob')
  const shown: string[] = []
  const trust = (answer: boolean) => async (mesh: { words: string }) => {
    shown.push(mesh.words)
    return answer
  }
  const refused: JoinStep = await world.attempt('bob', ada, { trust: trust(false) })
  expect(refused).toMatchObject({ is: 'refused', code: 'JOIN_UNTRUSTED', final: true })
  expect((await world.attempt('bob', ada, { trust: trust(true) })).is).toBe('joined')
  expect(shown).toEqual(
    Array(2).fill(await wordsOf(ada.meshId, (await world.joiner('bob')).peerId)),
  )
})

test('a pending answer with a genesis that nobody signed is refused', async () => {
  const bob = await world.joiner('bob')
  const answer = wire(await ada.answer(await bob.message(ada.peerId), { peerId: bob.peerId })) as {
    genesis: object
  }
  const forged = { ...answer, genesis: { ...answer.genesis, name: 'other' } }
  expect(await bob.accept(forged, ada.peerId)).toMatchObject({ code: 'JOIN_ANSWER_INVALID' })
})

test('asks are bounded: per address, in all, and in time', async () => {
  const clock = fakeClock()
  const book = new AskBook(clock, async (peerId) => `words of ${peerId}`)
  const ask = (n: number, address: string) =>
    book.ask({ peerId: `p${n}`, name: `n${n}`, roles: ['worker'], address })
  const outcomes = []
  for (let n = 0; n < 6; n += 1) outcomes.push((await ask(n, `/ip4/10.0.0.1/tcp/${n}`)).is)
  expect(outcomes).toEqual(['new', 'new', 'new', 'new', 'full', 'full'])
  expect((await ask(0, '/ip4/10.0.0.1/tcp/9')).is).toBe('again')
  for (let n = 10; n < 50; n += 1) await ask(n, `/ip4/10.0.1.${n}/tcp/1`)
  expect(book.list()).toHaveLength(32)
  await clock.advance(2 * 60_000 + 1)
  expect(book.list()).toEqual([])
  expect((await ask(60, '/ip4/10.0.0.1/tcp/1')).is).toBe('new')
})
