import { afterEach, beforeEach, expect, test } from 'vitest'
import { openMembership } from '../../../../src/mesh/index.ts'
import { createWorld, sync, type World } from './support.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

test('founded, joined, and both are members after they met', async () => {
  const ada = await world.found()
  const bob = await world.admit('bob', ada)
  expect(bob.standing(ada.peerId)).toBe('member')
  expect(ada.standing(bob.peerId)).toBe('member')
  expect(ada.roles(bob.peerId)).toEqual(['worker'])
  await sync(ada, bob)
  expect(ada.digest()).toBe(bob.digest())
  const again = await openMembership({ home: world.home('bob'), ...world.common })
  expect(again?.digest()).toBe(bob.digest())
  expect(again?.members().map(({ name }) => name)).toEqual(['bob', 'ada'])
})
