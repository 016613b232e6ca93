/**
 * Half of the random schedules of the ordinary test run: two test files run one each, in two workers.
 * Always as many, however busy the machine is, and the same ones, so that a run says something of the
 * change before it; `npm run chaos:claims` looks for new ones.
 */
import { expect } from 'vitest'
import { check } from './property.ts'

export const runs = 1_000
/** For a machine that does much else. */
export const timeout = 300_000

const seeds = { 'first half': 21, 'second half': 31 }

export async function holds(half: keyof typeof seeds): Promise<void> {
  const verdict = await check({ runs, seed: seeds[half] })
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
