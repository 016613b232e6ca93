/**
 * An agent that is killed at each step from the end of its work to the end of the task, and of a round of
 * feedback after that, in model time: what the executor named is opened once, whether the agent comes
 * back soon or an agent with another login goes on and it comes back later.
 */
import { describe, expect, it } from 'vitest'
import type { TasksWork } from '../../../src/tasks/needs.ts'
import { startMutant, type Mutation } from '../../chaos/claims/agent.ts'
import { runSchedule } from '../../chaos/claims/run.ts'
import type { Schedule } from '../../chaos/claims/schedule.ts'
import type { Machine, RunningAgent, World } from '../../chaos/claims/world.ts'

const maxPoints = 80
/** For a machine that does much else. */
const timeout = 180_000
const quiet = { lostRequest: 0, lostAnswer: 0, lateWrite: 0, twice: 0, slow: 0, stale: 0 }
const summary = [
  'Done.',
  '```bzzz-issues',
  JSON.stringify([
    { kind: 'sub-issue', title: 'Part', body: 'Named at #1, and more.' },
    { kind: 'follow-up', title: 'Rest' },
  ]),
  '```',
].join('\n')

const naming = (work: TasksWork): TasksWork => ({
  ...work,
  async run(...order) {
    for (;;) {
      const result = await work.run(...order)
      if (result.outcome === 'changed') return { ...result, summary }
      // Luck has no part here.
      if (result.code !== 'CHECKS_FAILED') return result
    }
  },
})

type Calls = Record<string, (...args: never[]) => Promise<unknown>>

/** Kills whoever comes to the `point`-th step: `before` or `after` what that step does outside. */
function crashing(point: number, when: 'before' | 'after', backMs: number) {
  const steps: string[] = []
  let isCounting = false
  let isOver = false

  const start = (world: World, machine: Machine): Promise<RunningAgent> => {
    const crash = () => {
      machine.agent?.process.kill()
      if (machine.agent !== undefined) world.listeners.delete(machine.agent.process)
      machine.agent = undefined
      world.scheduler.after(backMs, () => {
        void start(world, machine).then((agent) => (machine.agent = agent))
      })
    }
    const step = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
      if (!isCounting || isOver) return run()
      steps.push(name)
      if (steps.length !== point) return run()
      isOver = true
      if (when === 'after') await run()
      crash()
      return new Promise<T>(() => undefined)
    }
    const watched = <C extends object>(calls: C, names: readonly (keyof C & string)[]): C => ({
      ...calls,
      ...Object.fromEntries(
        names.map((name) => [
          name,
          (...args: never[]) => step(name, () => (calls as unknown as Calls)[name]!(...args)),
        ]),
      ),
    })
    const mutation: Mutation = {
      feedback: { followUps: 'plain' },
      work: naming,
      journal: (journal) => ({
        ...journal,
        append(entry, options) {
          if (entry.type === 'work.finished') isCounting = true
          return step(entry.type, () => journal.append(entry, options))
        },
      }),
      refs: (refs) => watched(refs, ['push']),
      github: (github) => watched(github, ['openPull', 'comment']),
      reviews: (reviews) => watched(reviews, ['openIssue', 'addPart']),
    }
    return startMutant(mutation)(world, machine)
  }
  return { start, steps, isOver: () => isOver }
}

const schedule: Schedule = {
  seed: 3,
  agents: 2,
  issues: 1,
  oneLogin: false,
  drift: 0,
  faults: quiet,
  longWork: 0,
  transports: 'git',
  appendOnly: false,
  actions: [{ at: 400_000, action: { is: 'review', issue: 1, forMs: 0 } }],
}

describe.each([
  ['comes back soon', 10_000],
  ['comes back after others went on', 700_000],
])('an agent that is killed and %s', (_, backMs) => {
  it.each(['before', 'after'] as const)(
    'opens once what was named, killed %s any step',
    async (when) => {
      const seen = new Set<string>()
      for (let point = 1; ; point += 1) {
        expect(point).toBeLessThan(maxPoints)
        const { start, steps, isOver } = crashing(point, when, backMs)
        const { violations, world } = await runSchedule(schedule, start)
        const { server } = world
        const at = `${when} step ${point}, ${steps[point - 1]}`
        expect([at, violations]).toEqual([at, []])
        const opened = server.opened.map(({ title, parents }) => [title, parents])
        expect([at, opened.length, opened]).toEqual([
          at,
          2,
          expect.arrayContaining([
            ['Part', [1]],
            ['Rest', []],
          ]),
        ])
        expect([at, server.pulls.length]).toEqual([at, 1])
        const said = server.commentsOf(100).filter((text) => text.startsWith('**Bzzz, round 1'))
        expect([at, said.length]).toEqual([at, 1])
        if (!isOver()) break
        seen.add(steps[point - 1]!)
      }
      for (const name of ['publish.intent', 'push', 'openPull', 'openIssue', 'addPart', 'comment'])
        expect([...seen]).toContain(name)
      expect([...seen]).toContain('feedback.named')
    },
    timeout,
  )
})
