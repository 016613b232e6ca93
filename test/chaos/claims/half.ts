/**
 * Half of the random schedules of the ordinary test run: two test files run one each, in two workers.
 * Always as many, however busy the machine is. Those of the first half are the same in each run, so that it
 * says something of the change before it; those of the second are new ones each time. Their seed is printed
 * before they run; `BZZZ_TEST_SEED=N` runs those of seed N again. `npm run chaos:claims` looks for more.
 */
import { randomInt } from 'node:crypto'
import { expect } from 'vitest'
import { check } from './property.ts'

export const runs = 1_000
/** For a machine that does much else. */
export const timeout = 300_000

const fixedSeed = 21
/** Of fast-check: 32 bits with a sign. */
const maxSeed = 2 ** 31 - 1

function freshSeed(): number {
  const given = process.env['BZZZ_TEST_SEED']
  if (given === undefined) return randomInt(maxSeed)
  if (/^-?\d+$/.test(given) && Math.abs(Number(given)) <= maxSeed) return Number(given)
  throw new Error(`BZZZ_TEST_SEED=${given} is no whole number of at most ${maxSeed}.`)
}

export async function holds(half: 'first half' | 'second half'): Promise<void> {
  const seed = half === 'first half' ? fixedSeed : freshSeed()
  process.stdout.write(`claims, ${half}: ${runs} schedules of seed ${seed}\n`)
  // What fails is not made smaller here, which takes minutes; seeing it again does that.
  const verdict = await check({ runs, seed, shrinks: false })
  const { contested, resumed, pulls, checkpoints, heirs, handed, followed, fellBack } = verdict
  process.stdout.write(
    `claims, ${half}: ${verdict.runs} schedules, ${contested} contested, ${resumed} with frozen work resumed, ` +
      `${checkpoints} checkpoints, ${heirs} attempts that went on from one, ${handed} handed on: ` +
      `${followed} to who was named, ${fellBack} to others later, ${verdict.crashes} crashes on the way\n`,
  )
  expect(verdict.failure?.report).toBeUndefined()
  expect(verdict.runs).toBe(runs)
  // The schedules reach what they are for: work is published, taken over, frozen, gone on with, and handed on.
  expect(pulls).toBeGreaterThan(runs / 2)
  expect(contested).toBeGreaterThan(runs / 10)
  expect(resumed).toBeGreaterThan(runs / 100)
  expect(verdict.rounds).toBeGreaterThan(runs / 50)
  expect(checkpoints).toBeGreaterThan(runs)
  expect(heirs).toBeGreaterThan(runs / 20)
  expect(followed).toBeGreaterThan(runs / 10)
  expect(fellBack).toBeGreaterThan(runs / 50)
  expect(verdict.crashes).toBeGreaterThan(runs / 20)
}
