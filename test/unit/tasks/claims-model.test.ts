/**
 * The claim protocol against random schedules of faults, crashes, pauses and people, in model time.
 * `npm run chaos:claims` runs as many as asked; docs/claims.md says what is checked and what is not.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { holds, timeout } from '../../chaos/claims/half.ts'
import { startNaive } from '../../chaos/claims/naive.ts'
import { runSchedule } from '../../chaos/claims/run.ts'
import { schedules } from '../../chaos/claims/schedule.ts'

describe('claims', () => {
  it('hold under random schedules, first half', { timeout }, () => holds('first half'))

  it('run alike for the same schedule', async () => {
    const [schedule] = fc.sample(schedules, { numRuns: 1, seed: 5 })
    const [one, two] = [await runSchedule(schedule!), await runSchedule(schedule!)]
    expect(two.events).toBe(one.events)
    expect([...two.world.server.refs]).toEqual([...one.world.server.refs])
  })
})

describe('assignment alone', () => {
  it('is caught by the same checkers', async () => {
    const found = new Set<string>()
    for (const schedule of fc.sample(schedules, { numRuns: 20, seed: 5 })) {
      // Kind to it: nothing but the race that it has by itself.
      const kind = { ...schedule, agents: 4, drift: 0, actions: [] }
      const { violations } = await runSchedule(kind, startNaive)
      for (const one of violations) found.add(one.replaceAll(/\d+/g, 'N'))
    }
    expect([...found]).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/execute #N at once/),
        expect.stringMatching(/has N open pull requests/),
        expect.stringMatching(/never ends/),
      ]),
    )
  })
})
