/** Comments that cannot be read hold up no others. */
import { expect, it } from 'vitest'
import { obeyComments } from '../../../src/tasks/feedback/obey.ts'
import { createManners } from '../../../src/tasks/feedback/manners.ts'
import { emptyMemory } from '../../../src/tasks/look/floor.ts'
import { TasksError } from '../../../src/tasks/errors.ts'
import { nullLogger, RecentMap, systemClock } from '../../../src/util/index.ts'

const { signal } = new AbortController()

function scene(code: TasksError['code']) {
  const at = { now: 0, read: new Array<number>() }
  const clock = { ...systemClock, monotonic: () => at.now }
  const memory = emptyMemory()
  for (const number of [1, 2])
    memory.issues.set(number, { issue: { number, comments: 1 } } as never)
  const talk = {
    counts: new RecentMap(10),
    since: new RecentMap(10),
    due: new RecentMap(10),
    handled: new Set(),
    manners: createManners(clock),
  }
  const parts = {
    floor: {
      context: { clock, logger: nullLogger, mesh: { peerId: 'a', candidates: () => [] } },
      isActive: () => false,
    },
    place: { repo: 'octo/lib' },
    memory,
    own: { watched: new Map(), talk },
    reviews: {
      talk: async (_: string, number: number) => {
        at.read.push(number)
        if (number === 1) throw new TasksError(code, 'not this one')
        return []
      },
    },
  }
  return { at, obey: () => obeyComments(parts as never, signal) }
}

it.each(['GITHUB_ANSWER', 'GITHUB_NOT_FOUND', 'GITHUB_FORBIDDEN'] as const)(
  'but are asked for again after a while: %s',
  async (code) => {
    const { at, obey } = scene(code)
    await obey()
    await obey()
    expect(at.read).toEqual([1, 2])
    at.now += 6 * 60_000
    await obey()
    expect(at.read).toEqual([1, 2, 1])
  },
)

it('while GitHub is away, none are asked for', async () => {
  const { at, obey } = scene('GITHUB_UNREACHABLE')
  await expect(obey()).rejects.toMatchObject({ code: 'GITHUB_UNREACHABLE' })
  expect(at.read).toEqual([1])
})
