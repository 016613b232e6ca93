/** A machine whose clock is wrong, among members who know better. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openMembership, type Membership } from '../../../../src/mesh/index.ts'
import { nullLogger } from '../../../../src/util/index.ts'
import { fakeClock } from '../fake-clock.ts'
import { address, codeOf, createWorld, sync, wire, type World } from './support.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

/** The home of `name` with a clock of its own, and what members say of that. */
async function off(name: string, offsetMs: number): Promise<Membership> {
  const clock = fakeClock()
  clock.jump(world.clock.now() - clock.now() - offsetMs)
  const one = await openMembership({ home: world.home(name), clock, logger: nullLogger })
  one!.hintClock(() => ({ offsetMs, members: 3 }))
  return one!
}

test('an hour behind: who was admitted just now is a member all the same', async () => {
  const ada = await world.found()
  await world.admit('bob', ada)
  const bob = await off('bob', HOUR)
  const eve = await world.admit('eve', ada)
  expect((await bob.merge(wire(ada.statements()))).refused).toEqual({})
  expect(bob.standing(eve.peerId)).toBe('member')
  bob.hintClock(() => undefined)
  world.clock.jump(HOUR)
  const kim = await world.admit('kim', ada)
  expect((await bob.merge(wire(ada.statements()))).refused).toEqual({ future: 1 })
  expect(bob.standing(kim.peerId)).toBe('stranger')
})

test('years behind: the roster proves the time', async () => {
  const ada = await world.found()
  await world.admit('bob', ada)
  const bob = await off('bob', 400 * DAY)
  bob.hintClock(() => undefined)
  const [eve, kim] = [await world.admit('eve', ada), await world.admit('kim', ada)]
  expect(bob.standing(ada.peerId)).toBe('member')
  await bob.merge(wire(ada.statements()))
  expect([eve, kim].map(({ peerId }) => bob.standing(peerId))).toEqual(['member', 'member'])
})

test('a date that is ahead does not allow one that is further ahead', async () => {
  const ada = await world.found()
  const bob = await world.admit('bob', ada)
  const dated = async (ms: number, name: string) => {
    world.clock.jump(ms)
    const one = await world.admit(name, ada)
    world.clock.jump(-ms)
    await bob.merge(wire(ada.statements()))
    return bob.standing(one.peerId)
  }
  expect(await dated(4 * 60_000, 'a')).toBe('member')
  expect(await dated(8 * 60_000, 'b')).toBe('stranger')
})

test('days ahead: nobody is out, and oneself neither', async () => {
  const ada = await world.found()
  await world.admit('bob', ada, { uses: null })
  await world.admit('eve', ada)
  const bob = await off('bob', -6 * DAY)
  await sync(ada, bob)
  const wrong = bob.members().filter(({ standing }) => standing !== 'member')
  expect(wrong).toEqual([])
  const seen = await off('bob', -32 * DAY)
  seen.hintClock(() => undefined)
  expect(seen.standing(seen.peerId)).toBe('expired')
})

test('while it is in doubt nobody is admitted or renewed, but removed', async () => {
  const ada = await world.found()
  const { token } = await ada.invite({ addresses: [address], uses: null })
  await world.admit('bob', ada, { roles: ['signer'] })
  const eve = await world.admit('eve', ada)
  const bob = await off('bob', HOUR)
  await sync(ada, bob, eve)
  expect(bob.clock()).toEqual({ offsetMs: HOUR, members: 3 })
  expect(await codeOf(() => bob.invite({ addresses: [] }))).toBe('CLOCK_WRONG')
  expect((await world.attempt('kim', bob, { token })).is).toBe('elsewhere')
  expect(await bob.renew(() => true)).toBe(0)
  await bob.remove('eve')
  await ada.merge(wire(bob.statements()))
  expect(ada.standing(eve.peerId)).toBe('removed')
})
