import { describe, expect, it } from 'vitest'
import type { LoggedEntry } from '../../../src/journal/index.ts'
import { createTable } from '../../../src/tasks/table.ts'

const task = { repo: 'octo/lib', issue: 4 }
let time = 0
const entry = (fields: object, peerId = 'a') =>
  ({
    v: 1,
    epoch: 0,
    seq: (time += 1),
    time,
    agent: peerId,
    peerId,
    task,
    attempt: 1,
    ...fields,
  }) as unknown as LoggedEntry
const won = { type: 'claim.won', oid: '1', title: 'T', branch: 'b', leaseMs: 1 }
const started = { type: 'executor.started', executor: 'x', kind: 'mock' }
const frozen = { type: 'executor.frozen', renewed: Date.UTC(2026, 0, 2, 12, 0, 0) }
const reason = 'frozen: the lease could not be renewed since 2026-01-02T12:00:00.000Z'

function after(...entries: LoggedEntry[]) {
  const table = createTable(() => time)
  for (const one of entries) table.add(one)
  return { detail: table.detail(task), row: table.rows()[0] }
}

describe('the table of tasks', () => {
  it('says that work is frozen, and since when', () => {
    const { detail, row } = after(entry(won), entry(started), entry(frozen))
    expect(detail).toMatchObject({ state: 'working', reason, frozenSinceMs: frozen.renewed })
    expect(row).toMatchObject({ frozenSinceMs: frozen.renewed })
  })

  it.each([
    ['resumed', entry({ type: 'executor.resumed', frozenMs: 5 }), 'working'],
    ['lost', entry({ type: 'claim.lost', reason: 'another record is there' }), 'released'],
    ['taken over', entry({ ...won, attempt: 2 }, 'b'), 'claimed'],
  ])('says so no more once it is %s', (_what, next, state) => {
    const { detail } = after(entry(won), entry(started), entry(frozen), next)
    expect(detail).toMatchObject({ state })
    expect(detail).not.toHaveProperty('frozenSinceMs')
    expect(detail?.reason).not.toBe(reason)
  })

  it('believes only the holder', () => {
    expect(after(entry(won), entry(frozen, 'b')).detail).not.toHaveProperty('frozenSinceMs')
  })
})
