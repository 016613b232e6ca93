import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createWorld, type World, type WorldInit } from './presence-world.ts'

const seeds = fc.nat(2 ** 31)
const runs = { numRuns: 25 }
const calm: Omit<WorldInit, 'seed'> = {
  peers: 6,
  loss: 0,
  breaks: 0,
  stalls: { chance: 0, ms: 0 },
  lateness: { chance: 0, ms: 0 },
}
const became = ({ changes }: World, presence: string) =>
  changes.filter((change) => change.presence === presence)

async function live(init: WorldInit, seconds: number): Promise<World> {
  const world = createWorld(init)
  await world.run(seconds)
  await world.watch.stop()
  return world
}

test('20 % loss: nobody who is well becomes even suspect', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const world = await live({ ...calm, seed, loss: 0.2 }, 900)
      expect(world.changes).toEqual([])
    }),
    runs,
  )
})

test('20 % loss and links that break twice a minute each: suspicions are few, and nobody well is gone', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const world = await live({ ...calm, seed, loss: 0.2, breaks: 1 / 30 }, 600)
      expect(became(world, 'gone')).toEqual([])
      // 6 peers × 20 breaks: at least nine of ten are mended unnoticed.
      expect(became(world, 'suspect').length).toBeLessThanOrEqual(12)
    }),
    runs,
  )
})

test('an observer that is stopped and starved of processor time blames nobody', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const stalls = { chance: 0.1, ms: 30_000 }
      const world = await live({ ...calm, seed, loss: 0.05, stalls }, 300)
      expect(became(world, 'gone')).toEqual([])
      expect(became(world, 'suspect').length).toBeLessThanOrEqual(6)
    }),
    runs,
  )
})

test('a stop of the observer in the middle of a doubt is no time in which it waited', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, fc.integer({ min: 3000, max: 600_000 }), async (seed, ms) => {
      const world = createWorld({ ...calm, seed })
      await world.run(20)
      for (const name of world.names) world.cut(name)
      await world.freeze(ms)
      await world.run(20)
      await world.watch.stop()
      expect(world.changes).toEqual([])
    }),
    runs,
  )
})

test('an observer whose processor is saturated doubts itself first', async () => {
  let suspected = 0
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
      const lateness = { chance: 0.9, ms: 1900 }
      const world = await live(
        { ...calm, seed, loss: 0.5, lossElsewhere: 0, breaks: 1 / 30, lateness },
        300,
      )
      expect(became(world, 'gone')).toEqual([])
      suspected += became(world, 'suspect').length
    }),
    { ...runs, seed: 7 },
  )
  // Of some 1,500 breaks; without local health it is about ten times as many.
  expect(suspected).toBeLessThan(100)
})

test('who dies is gone in time, also with loss; the others stay', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const world = createWorld({ ...calm, seed, loss: 0.2 })
      await world.run(30)
      const died = world.now()
      world.kill('peer-0')
      await world.run(90)
      await world.watch.stop()
      const [gone, ...more] = became(world, 'gone')
      expect(more).toEqual([])
      expect(gone?.peer).toBe('peer-0')
      expect((gone?.at ?? Infinity) - died).toBeLessThan(75_000)
      expect((gone?.at ?? 0) - died).toBeGreaterThanOrEqual(10_000)
      expect(world.changes.every(({ peer }) => peer === 'peer-0')).toBe(true)
    }),
    runs,
  )
})
