/** Who leaves an issue alone, and why: said once, and shown with the task. */
import { describe, expect, it } from 'vitest'
import { entryInputSchema, type EntryInput } from '../../../src/journal/entries.ts'
import type { LoggedEntry } from '../../../src/journal/index.ts'
import type { Issue } from '../../../src/tasks/github/github.ts'
import { createNews } from '../../../src/tasks/news.ts'
import { createTable } from '../../../src/tasks/table.ts'

const repo = 'octo/lib'
const task = { repo, issue: 7 }
const issue = { number: 7, title: 'Fix it', labels: ['bzzz'] } as Issue
const oid = 'a'.repeat(40)

describe('news', () => {
  it('writes each reason once, and again after the issue was tried', async () => {
    const written: string[] = []
    const append = async (entry: EntryInput) => {
      written.push(entryInputSchema.parse(entry).type)
      return entry as never
    }
    const say = createNews({ append }, 10)
    const skip = (reason: string) => say({ is: 'skipped', repo, issue, reason })
    for (const reason of ['untrusted', 'untrusted', 'assigned to grace']) await skip(reason)
    expect(written).toEqual(['issue.skipped', 'issue.skipped'])
    await skip('assigned to grace')
    await say({ is: 'trying', repo, issue: 7 })
    await skip('assigned to grace')
    expect(written).toHaveLength(3)
  })
})

describe('the table', () => {
  const tableOf = (all: [string, EntryInput][], options?: { maxHistory: number }) => {
    const table = createTable(() => 0, options)
    for (const [seq, [agent, entry]] of all.entries()) {
      const stamp = { v: 1, epoch: 0, seq, time: seq, agent, peerId: agent, key: agent }
      table.add({ ...entry, ...stamp } as unknown as LoggedEntry)
    }
    return table
  }
  const build = (...all: [string, EntryInput][]) => tableOf(all).detail(task)
  const listed = (...all: [string, EntryInput][]) => tableOf(all).rows().length
  const seen = (place?: number): EntryInput => ({
    type: 'issue.seen',
    task,
    title: 'Fix it',
    labels: [],
    needs: [],
    ...(place === undefined ? {} : { place }),
  })
  const skipped = (reason: string): EntryInput => ({
    type: 'issue.skipped',
    task,
    title: 'Fix it',
    reason,
  })
  const won: EntryInput = {
    type: 'claim.won',
    task,
    attempt: 1,
    oid,
    title: 'Fix it',
    branch: 'b',
    leaseMs: 1,
  }
  const tried: EntryInput = { type: 'claim.tried', task, attempt: 1, oid }

  it('holds what it is told to of each history, and says the same without', () => {
    const entries: [string, EntryInput][] = [
      ['ada', skipped('busy')],
      ['ada', seen(0)],
      ['ada', won],
      ['bo', skipped('held')],
    ]
    const { history, ...rest } = tableOf(entries).detail(task)!
    expect(history).toHaveLength(entries.length)
    for (const maxHistory of [0, 1]) {
      const table = tableOf(entries, { maxHistory })
      expect(table.detail(task)).toMatchObject(rest)
      expect(table.detail(task)?.history).toHaveLength(maxHistory)
      expect(table.rows()).toEqual(tableOf(entries).rows())
    }
    expect(tableOf(entries.slice(0, 1), { maxHistory: 0 }).rows()).toEqual([])
  })

  it('shows what each agent said last, and the places of the others', () => {
    const detail = build(
      ['ada', seen(0)],
      ['bob', seen(2)],
      ['cid', seen()],
      ['cid', skipped('lacks gpu')],
      ['dan', skipped('assigned to grace')],
      ['dan', skipped('untrusted')],
    )
    expect(detail).toMatchObject({ state: 'open', title: 'Fix it' })
    expect(detail?.skipped).toEqual([
      { agent: 'cid', reason: 'lacks gpu' },
      { agent: 'dan', reason: 'untrusted' },
      { agent: 'bob', reason: 'place 3 for it' },
    ])
  })

  it('lists only what somebody took up', () => {
    expect(listed(['ada', skipped('assigned to grace')])).toBe(0)
    expect(listed(['ada', skipped('assigned to grace')], ['ada', seen(0)])).toBe(1)
  })

  it('does not name who failed at it for the label that it set itself', () => {
    const label = skipped('labelled bzzz:failed; remove the label to try again')
    const failed: EntryInput = {
      type: 'task.failed',
      task,
      attempt: 1,
      code: 'CHECKS_FAILED',
      reason: 'it failed',
      durationMs: 1,
    }
    const events: [string, EntryInput][] = [
      ['ada', tried],
      ['ada', won],
      ['ada', failed],
      ['ada', label],
      ['bob', label],
    ]
    expect(build(...events)?.skipped).toMatchObject([{ agent: 'bob' }])
    expect(build(...events, ['ada', skipped('assigned to grace')])?.skipped).toHaveLength(2)
  })

  it('says who holds it, and forgets the reason of who tried', () => {
    const detail = build(
      ['ada', skipped('untrusted')],
      ['ada', seen(0)],
      ['bob', seen(1)],
      ['ada', tried],
      ['ada', won],
    )
    expect(detail?.skipped).toEqual([{ agent: 'bob', reason: 'held by ada, place 2 for it' }])
  })
})
