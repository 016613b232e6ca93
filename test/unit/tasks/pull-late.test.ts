/**
 * The request that opens a pull request: its answer is lost, and it arrives late, or arrived at once. A
 * person closes what was opened meanwhile. In model time, with the real agent.
 */
import { expect, it } from 'vitest'
import { TasksError } from '../../../src/tasks/errors.ts'
import { startMutant } from '../../chaos/claims/agent.ts'
import { runSchedule } from '../../chaos/claims/run.ts'
import type { Action, Schedule } from '../../chaos/claims/schedule.ts'

const faults = { lostRequest: 0, lostAnswer: 0, lateWrite: 0, twice: 0, slow: 0, stale: 0 }

/** `afterMs`: when the first request arrives, after its caller gave up. */
async function run(afterMs: number, actions: { at: number; action: Action }[]) {
  const schedule: Schedule = {
    seed: 5,
    agents: 2,
    issues: 1,
    oneLogin: false,
    drift: 0,
    faults,
    transports: 'git',
    longWork: 0,
    appendOnly: false,
    actions,
  }
  let openedAt = Infinity
  let tries = 0
  const start = startMutant({
    github: (github, { server, scheduler }) => ({
      ...github,
      async openPull(repo, pull, signal) {
        tries += 1
        if (tries > 1) return github.openPull(repo, pull, signal)
        scheduler.after(afterMs, () => {
          server.openPull('a late request', pull)
          openedAt = scheduler.now
        })
        // Long enough for a person to look at what arrived at once.
        await new Promise<void>((resolve) => scheduler.after(20_000, resolve))
        throw new TasksError('GITHUB_UNREACHABLE', 'GitHub does not answer')
      },
    }),
  })
  const { violations, world } = await runSchedule(schedule, start)
  return { violations, world, tries, openedAt }
}

const each = (is: 'review' | 'reject', from: number, to: number) =>
  Array.from({ length: (to - from) / 5_000 }, (_, step) => ({
    at: from + step * 5_000,
    action: { is, issue: 1, forMs: 0 },
  }))

it('a second pull request of a request that arrived late is looked after', async () => {
  // Rejected before the late one comes, reviewed after that.
  const late = 240_000
  const actions = [
    ...each('reject', 0, 200_000),
    { at: 420_000, action: { is: 'review' as const, issue: 1, forMs: 0 } },
  ]
  const { violations, world, openedAt } = await run(late, actions)
  const { pulls } = world.server
  expect(pulls.map(({ by }) => by)).toContain('a late request')
  expect(openedAt).toBeLessThan(420_000)
  expect(pulls.length).toBe(2)
  expect(pulls.at(-1)?.reviews.length).toBe(1)
  expect(violations).toEqual([])
})

it('what a person closed while its answer was lost is not opened again', async () => {
  const { violations, world, tries } = await run(1_000, each('reject', 0, 300_000))
  expect(world.server.pulls.map(({ by, ended }) => [by, ended?.merged])).toEqual([
    ['a late request', false],
  ])
  expect(tries).toBe(1)
  const told = world.machines.flatMap(({ journal }) => journal.map(({ type }) => type))
  expect(told.filter((type) => /^task\.(done|closed)$/.test(type))).toEqual([
    'task.done',
    'task.closed',
  ])
  expect(violations).toEqual([])
})
