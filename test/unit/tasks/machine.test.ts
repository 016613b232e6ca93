import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { advance, finalStates, start, type TaskEvent } from '../../../src/tasks/machine.ts'
import type { LoggedEntry } from '../../../src/journal/types.ts'
import { createTable } from '../../../src/tasks/table.ts'

const life: TaskEvent[] = [
  'issue.seen',
  'claim.tried',
  'claim.won',
  'executor.started',
  'executor.ended',
  'check.run',
  'work.finished',
  'publish.intent',
  'pushed',
  'pull.opened',
  'task.done',
].map((type) => ({ type, author: 'a', attempt: 1 }))

describe('the life of a task', () => {
  it('goes from open to done', () => {
    const states = life.reduce<string[]>((seen, _event, index) => {
      const at = life.slice(0, index + 1).reduce(advance, start)
      return seen.at(-1) === at.state ? seen : [...seen, at.state]
    }, [])
    expect(states).toEqual(['open', 'claimed', 'working', 'checking', 'publishing', 'done'])
  })

  it('goes on in review until the pull request is merged or closed', () => {
    const done = life.reduce(advance, start)
    const by = (type: string, attempt: number, author = 'a') => ({ type, author, attempt })
    const review = advance(done, by('feedback.watching', 1))
    expect(review.state).toBe('review')
    expect(advance(review, by('task.merged', 1, 'b')).state).toBe('merged')
    expect(advance(review, by('task.closed', 1, 'b')).state).toBe('closed')
    const round = advance(review, by('claim.won', 2, 'b'))
    expect(round).toEqual({ state: 'claimed', attempt: 2, holder: 'b' })
    expect(advance(round, by('task.merged', 1)).state).toBe('claimed')
    const again = [by('executor.started', 2, 'b'), by('feedback.ended', 2, 'b')]
    expect(again.reduce(advance, round).state).toBe('review')
    const merged = advance(again.reduce(advance, round), by('task.merged', 2))
    expect(advance(merged, by('feedback.watching', 2)).state).toBe('merged')
  })

  it('ignores agents that do not hold the attempt', () => {
    const at = life.slice(0, 4).reduce(advance, start)
    expect(advance(at, { type: 'task.failed', author: 'b', attempt: 1 })).toBe(at)
    expect(advance(at, { type: 'task.failed', author: 'a', attempt: 2 })).toBe(at)
    expect(advance(at, { type: 'claim.released', author: 'a', attempt: 1 }).state).toBe('released')
  })

  it('is left to a newer attempt only', () => {
    const released = [
      ...life.slice(0, 4),
      { type: 'claim.released', author: 'a', attempt: 1 },
    ].reduce(advance, start)
    const next = advance(released, { type: 'claim.won', author: 'b', attempt: 2 })
    expect(next).toEqual({ state: 'claimed', attempt: 2, holder: 'b' })
    expect(advance(next, { type: 'claim.won', author: 'a', attempt: 1 })).toBe(next)
  })

  it('a claim ref that was deleted begins anew with another holder', () => {
    const won = advance(start, { type: 'claim.won', author: 'a', attempt: 1 })
    const lost = advance(won, { type: 'claim.lost', author: 'a', attempt: 1 })
    const anew = advance(lost, { type: 'claim.won', author: 'b', attempt: 1 })
    expect(anew).toEqual({ state: 'claimed', attempt: 1, holder: 'b' })
    // Also when the journals come the other way round.
    const other = advance(start, { type: 'claim.won', author: 'b', attempt: 1 })
    expect(advance(other, { type: 'claim.won', author: 'a', attempt: 1 })).toBe(other)
    expect(advance(other, { type: 'claim.lost', author: 'a', attempt: 1 })).toBe(other)
    // What its own holder let go of is not taken up by an old entry of that one.
    expect(advance(lost, { type: 'claim.won', author: 'a', attempt: 1 })).toBe(lost)
  })

  it('waits and wakes', () => {
    const waiting = advance(start, { type: 'task.waiting', author: 'a', attempt: 0 })
    expect(waiting.state).toBe('waiting')
    expect(advance(waiting, { type: 'claim.won', author: 'b', attempt: 1 }).state).toBe('claimed')
  })

  it('never leaves a final state within an attempt, whatever arrives in whatever order', () => {
    const event = fc.record({
      type: fc.constantFrom(
        ...life.map(({ type }) => type),
        'task.failed',
        'task.cancelled',
        'claim.released',
        'task.waiting',
      ),
      author: fc.constantFrom('a', 'b'),
      attempt: fc.integer({ min: 1, max: 3 }),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let at = start
        for (const one of events) {
          const next = advance(at, one)
          if (finalStates.has(at.state) && next.attempt === at.attempt)
            expect(next.state).toBe(at.state)
          expect(next.attempt).toBeGreaterThanOrEqual(at.attempt)
          at = next
        }
      }),
    )
  })
})

describe('the table', () => {
  const task = { repo: 'octo/lib', issue: 4 }
  const entry = (type: string, seq: number, change: object = {}) =>
    ({
      type,
      agent: 'ada',
      peerId: 'a',
      epoch: 0,
      seq,
      time: 1_000 + seq * 10,
      task,
      attempt: 1,
      ...change,
    }) as unknown as LoggedEntry

  it('shows who did what, how long it took and where the pull request is', () => {
    const table = createTable(() => 9_999)
    for (const one of [
      entry('issue.seen', 1, { title: 'Fix it' }),
      entry('claim.lost', 1, { peerId: 'b', agent: 'bob' }),
      entry('claim.won', 2, { title: 'Fix it' }),
      entry('executor.started', 3),
      entry('check.run', 4),
      entry('publish.intent', 5),
      entry('pull.opened', 6, { number: 12, url: 'http://x/12' }),
      entry('task.done', 7),
    ]) {
      table.add(one)
    }
    expect(table.rows()).toEqual([
      {
        ...task,
        title: 'Fix it',
        state: 'done',
        agent: 'ada',
        attempt: 1,
        pullRequest: { number: 12, url: 'http://x/12' },
        durationMs: 50,
      },
    ])
    expect(table.contention()).toBe(1)
    expect(table.detail({ repo: 'Octo/Lib', issue: 4 })?.history).toHaveLength(8)
    expect(table.detail({ repo: 'octo/lib', issue: 5 })).toBeUndefined()
  })

  it('counts on while a task runs and keeps the reason of a failure', () => {
    const table = createTable(() => 5_000)
    table.add(entry('claim.won', 1))
    expect(table.rows()[0]?.durationMs).toBe(5_000 - 1_010)
    table.add(entry('task.failed', 2, { reason: 'checks failed' }))
    expect(table.detail(task)).toMatchObject({
      state: 'failed',
      reason: 'checks failed',
      durationMs: 10,
    })
  })
})
