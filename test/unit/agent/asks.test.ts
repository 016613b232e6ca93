import { expect, it } from 'vitest'
import { createAsks, rowsOf } from '../../../src/agent/asks.ts'
import type { LoggedEntry } from '../../../src/journal/index.ts'

const id = 'a'.repeat(32)
const task = { repo: 'octo/lib', issue: 7 }
const entry = (peerId: string, time: number, more: object) =>
  ({ v: 1, epoch: 0, seq: time, time, agent: peerId, peerId, id, task, asker: 'ada', ...more }) as unknown as LoggedEntry // prettier-ignore
const told = [
  entry('bo', 20, { type: 'help.received', round: 2, path: ['ada', 'bo'], leftMs: 1, digest: 'd' }),
  entry('bo', 25, { type: 'help.result', outcome: 'used', helper: 'bo', reason: 'a lie' }),
  entry('ada', 10, { type: 'help.asked', round: 2, lifeMs: 1, needs: [], want: [], digest: 'd' }),
  entry('ada', 30, { type: 'help.accepted', helper: 'cleo', offer: 'o', reason: '' }),
  entry('ada', 40, { type: 'help.result', outcome: 'refused', helper: 'cleo', reason: '' }),
]

it('a row stands on what its origin wrote, in whatever order the entries come', () => {
  const row = {
    id,
    task,
    round: 2,
    origin: 'ada',
    outcome: 'refused',
    helper: 'cleo',
    askedAtMs: 10,
  }
  expect(rowsOf(told)).toEqual([row])
  expect(rowsOf(told.toReversed())).toMatchObject([{ id, askedAtMs: 10, helper: 'cleo' }])
})

it('of others alone it tells that there is one, and not how it ended', () => {
  const row = { id, task, round: 2, origin: 'ada', outcome: 'open', askedAtMs: 0 }
  expect(rowsOf(told.slice(0, 2))).toEqual([row])
})

it('people ask only where the task runs, and answer only what waits', async () => {
  const asks = createAsks({
    rooms: () => ({ help: undefined, work: { tools: () => undefined }, tasks: undefined }),
    journal: {
      async *read() {
        yield* told
      },
    },
  })
  expect(await asks.list(0)).toEqual([])
  expect(await asks.list()).toHaveLength(1)
  expect((await asks.show(id.slice(0, 6)))?.id).toBe(id)
  expect(await asks.show('b')).toBeUndefined()
  await expect(asks.send(task, { question: 'q' })).rejects.toMatchObject({ code: 'ASK_NO_TASK' })
  await expect(asks.answer(id, 'x')).rejects.toMatchObject({ code: 'ASK_NO_TASK' })
})
