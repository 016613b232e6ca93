import { expect, it } from 'vitest'
import { createByPerson } from '../../../src/tasks/asking/by-person.ts'
import type { Context, Held } from '../../../src/tasks/context.ts'
import type { PersonReply } from '../../../src/tasks/needs.ts'
import { until } from '../../../src/util/index.ts'

const asked = {
  comment: 1,
  repo: 'octo/lib',
  issue: 7,
  number: 7,
  question: 'Which parser?',
  from: 'ann',
}

function world(askHelp: (wanted: unknown, signal?: AbortSignal) => Promise<PersonReply>) {
  const [ending, stopping] = [new AbortController(), new AbortController()]
  const comments: string[] = []
  const held = { asking: { left: () => 3 }, signal: ending.signal } as unknown as Held
  const byPerson = createByPerson({
    active: { held: () => held },
    work: { tools: () => ({ askHelp }) },
    stopping: () => stopping.signal,
  })
  const comment = async (_r: string, _n: number, text: string) => void comments.push(text)
  const context = { github: { comment }, logger: { warn: () => undefined } } as unknown as Context
  return { ending, stopping, comments, ask: () => byPerson(context)(asked) }
}

const untilFires = (_: unknown, signal?: AbortSignal) =>
  new Promise<PersonReply>((_resolve, reject) =>
    signal?.addEventListener('abort', () => reject(signal.reason as Error)),
  )

it('says that the task ended before, whether its work was over or it was stopped', async () => {
  const done = world(async () => ({ is: 'over', reason: 'The work on this task ended before.' }))
  await done.ask()
  const stopped = world(untilFires)
  await stopped.ask()
  stopped.ending.abort(new Error('cancelled'))
  for (const { comments } of [done, stopped]) {
    await until('a comment', 5_000, () => comments.length > 0)
    expect(comments).toEqual([expect.stringMatching(/not asked any more.*ended before/)])
  }
})
