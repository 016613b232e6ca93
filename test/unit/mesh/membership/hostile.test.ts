import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  maxJoinAnswerBytes,
  maxJoinRequestBytes,
  type Membership,
} from '../../../../src/mesh/index.ts'
import { parseAnswer, type JoinAnswer } from '../../../../src/mesh/membership/join-wire.ts'
import { address, createWorld, sync, wire, type World } from './support.ts'

let world: World
let ada: Membership
let bob: Membership
beforeAll(async () => {
  world = await createWorld()
  ada = await world.found()
  bob = await world.admit('bob', ada)
  await sync(ada, bob)
})
afterAll(() => world.close())

/** `message` with one field, at any depth up to 3, replaced. */
function mutated(message: unknown): fc.Arbitrary<unknown> {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>('', 'root', -1, 2 ** 53, [], {}))
  return fc.tuple(fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), value).map(([path, what]) => {
    const copy = wire(message) as Record<string, unknown>
    let at = copy
    for (const [depth, step] of path.entries()) {
      const fields = Object.keys(at)
      const field = fields[step % Math.max(1, fields.length)] ?? 'x'
      const inner = at[field]
      if (depth < path.length - 1 && typeof inner === 'object' && inner !== null) {
        at = inner as Record<string, unknown>
      } else {
        at[field] = what
        break
      }
    }
    return copy
  })
}

test('whatever is asked, the answer is one of the protocol, small, and admits nobody', async () => {
  const { token } = await ada.invite({ addresses: [address] })
  const eve = await world.joiner('eve', { token })
  const other = await world.joiner('eve')
  const good = [await eve.message(ada.peerId), await other.message(ada.peerId), bob.introduction()]
  for (const one of good)
    expect(Buffer.byteLength(JSON.stringify(one))).toBeLessThan(maxJoinRequestBytes)
  const digest = ada.digest()
  const message = fc.oneof(fc.jsonValue(), ...good.map(mutated))
  // As another peer than the one that the messages are for.
  const from = { peerId: (await world.joiner('mallory')).peerId, address }
  await fc.assert(
    fc.asyncProperty(message, async (one) => {
      const answer = await ada.answer(one, from)
      expect(parseAnswer(wire(answer))).toBeDefined()
      expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(maxJoinAnswerBytes)
      expect(['refused', 'pending', 'met']).toContain((answer as JoinAnswer).kind)
      expect(ada.digest()).toBe(digest)
    }),
    { numRuns: 150 },
  )
})

test('whatever is answered, the joiner takes it for a refusal or for what it proves', async () => {
  const { token } = await ada.invite({ addresses: [address] })
  const tim = await world.joiner('tim', { token })
  const welcome = await ada.answer(wire(await tim.message(ada.peerId)), { peerId: tim.peerId })
  const met = await ada.answer(wire(bob.introduction()), { peerId: bob.peerId })
  const digest = bob.digest()
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), mutated(welcome), mutated(met)), async (answer) => {
      const step = await tim.accept(answer, ada.peerId)
      if (step.is === 'joined') expect(step.membership.meshId).toBe(ada.meshId)
      await bob.introduced(answer)
      expect(bob.standing(bob.peerId)).toBe('member')
    }),
    { numRuns: 100 },
  )
  await sync(ada, bob)
  expect(bob.digest()).toBe(ada.digest())
  expect(bob.digest()).not.toBe(digest)
})
