/**
 * Agents that are killed at random points, in model time: the next attempt goes on from the last
 * checkpoint, and what is lost was done since. `npm run chaos:checkpoints` kills real processes.
 */
import { describe, expect, it } from 'vitest'
import { runSchedule } from '../../chaos/claims/run.ts'
import { createRandom } from '../../chaos/claims/scheduler.ts'
import type { Schedule } from '../../chaos/claims/schedule.ts'

const kills = 47
/** Of the model's agents, and what collecting and pushing may take there, ms. */
const checkpointMs = 20_000
const pushMs = 5_000

const quiet = { lostRequest: 0, lostAnswer: 0, lateWrite: 0, twice: 0, slow: 0, stale: 0 }

describe('an agent that is killed', () => {
  it('loses at most what it did since its last checkpoint, at 47 random points', async () => {
    const random = createRandom(11)
    const lost: number[] = []
    let heirs = 0
    for (let seed = 1; lost.length < kills; seed += 1) {
      const common = { seed, issues: 1, agents: 2, oneLogin: seed % 2 === 0, drift: 0 }
      const schedule: Schedule = {
        ...common,
        faults: quiet,
        transports: seed % 3 === 0 ? 'rest' : 'git',
        longWork: 1,
        appendOnly: seed % 4 === 0,
        // One of the two works; whom it hits is as random as when.
        actions: [0, 1].map((agent) => ({
          at: random.between(20_000, 200_000),
          action: { is: 'kill', agent, forMs: random.between(1_000, 250_000) },
        })),
      }
      const { violations, world } = await runSchedule(schedule)
      expect(violations).toEqual([])
      for (const [index, next] of world.started.entries()) {
        const before = world.started[index - 1]
        if (before === undefined) continue
        const last = world.executions.filter(({ attempt }) => attempt === before.attempt)
        const done = last.reduce((sum, one) => sum + one.to - one.from, before.from)
        lost.push(done - next.from)
        if (next.from > 0) heirs += 1
      }
    }
    expect(Math.max(...lost)).toBeLessThan(checkpointMs + pushMs)
    expect(Math.min(...lost)).toBeGreaterThan(-1)
    expect(heirs).toBeGreaterThan(kills / 2)
  })
})
