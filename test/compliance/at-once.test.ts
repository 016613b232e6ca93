/** How much is worked at once: as the machine allows, and never what touches the same files. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createHeadroom } from '../../src/work/headroom/headroom.ts'
import { systemClock, until } from '../../src/util/index.ts'
import { TasksWorld } from './tasks-world.ts'

let world: TasksWorld
beforeEach(async () => {
  world = await TasksWorld.make()
})
afterEach(() => world.close())

/** Work that ends when it is told to. */
function gate() {
  const open = new Map<number, () => void>()
  return {
    until: (issue: number) => new Promise<void>((resolve) => void open.set(issue, resolve)),
    finish: (issue: number) => open.get(issue)?.(),
  }
}
const body = (file: string) => ({ body: `See \`${file}\`.` })
const GIB = 1024 ** 3
const sorted = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)

it('issues that name the same file are worked one after the other, by whichever agent', async () => {
  const repo = await world.repository('files')
  const first = await world.issue(repo, body('src/a.ts'))
  const same = await world.issue(repo, body('src/a.ts'))
  const other = await world.issue(repo, body('src/b.ts'))
  const { until: held, finish } = gate()
  const one = await world.agent({ name: 'a0', repos: [repo], slots: 3, until: held })
  await until('both that differ', 30_000, () => one.worked.length === 2)
  // Another agent with room for all of it leaves it alone as well.
  const two = await world.agent({ name: 'a1', repos: [repo], slots: 3, until: held })
  const waits = ({ entries }: typeof one) =>
    entries.find((entry) => entry.type === 'task.waiting' && entry.task.issue === same)
  await until('both say that it waits', 30_000, () => [one, two].every(waits))
  expect(waits(two)).toMatchObject({
    reason: `touches src/a.ts, as #${first} does, which is worked now`,
  })
  expect([sorted(one.worked), two.worked]).toEqual([[first, other], []])
  finish(first)
  await until('its turn', 30_000, () => [...one.worked, ...two.worked].includes(same))
  finish(other)
  finish(same)
  await until('all pull requests', 30_000, async () => (await world.pulls(repo)).length === 3)
})

it('a machine without headroom takes no second task, whatever it could at other times', async () => {
  const repo = await world.repository('headroom')
  const issues = [await world.issue(repo), await world.issue(repo), await world.issue(repo)]
  let free = 1 * GIB
  const read = () => Promise.resolve({ cores: 8, load1: 0, memory: { total: 32 * GIB, free } })
  const clock = {
    ...systemClock,
    after: (ms: number, act: () => void) => systemClock.after(ms / 50, act),
  }
  const headroom = createHeadroom({ clock, read })
  await headroom.start()
  const { until: held, finish } = gate()
  const { tasks, worked } = await world.agent({
    name: 'a0',
    repos: [repo],
    slots: (used) => headroom.slots(used),
    until: held,
  })
  await until('the first', 30_000, () => worked.length === 1)
  expect(tasks.slots()).toMatchObject({
    total: 4,
    used: 1,
    full: expect.stringMatching(/1.0 GiB/) as string,
  })
  const looks = world.counting(/\/headroom\/issues$/)
  await until('some more looks', 30_000, () => looks.hits >= 3)
  looks.remove()
  expect(worked).toHaveLength(1)
  free = 16 * GIB
  await until('the others', 30_000, () => worked.length === 3)
  expect(sorted(worked)).toEqual(issues)
  for (const issue of issues) finish(issue)
  await until('all pull requests', 30_000, async () => (await world.pulls(repo)).length === 3)
  await headroom.stop()
})
