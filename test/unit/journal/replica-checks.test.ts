import { describe, expect, it } from 'vitest'
import type { LoggedEntry, Verification } from '../../../src/api/client.ts'
import type { ClaimRecord } from '../../../src/tasks/claim/record.ts'
import {
  forks,
  gaps,
  missing,
  unverified,
  unwritten,
  type FinalJournals,
  type Sighting,
} from '../../chaos/net/replicas.ts'

const peerId = '12D3KooWada'
const oid = 'a'.repeat(40)
const task = { repo: 'octo/mill', issue: 1 }

const entry = (seq: number, change: Partial<LoggedEntry> = {}): LoggedEntry =>
  ({
    v: 1,
    epoch: 0,
    seq,
    time: 1,
    type: 'agent.stopped',
    reason: 'asked',
    agent: 'ada',
    peerId,
    ...change,
  }) as LoggedEntry

const shown = (holder: string, one: LoggedEntry): Sighting => ({ holder, at: 1, entry: one })

const final = (holder: string, ...entries: LoggedEntry[]): FinalJournals => ({
  holder,
  entries,
  verifications: [],
})

const verified = (change: Partial<Verification> = {}): Verification =>
  ({
    agent: 'ada',
    peerId,
    key: 'k1',
    epoch: 0,
    length: 2,
    ok: true,
    problems: [],
    ...change,
  }) as Verification

const record = (change: Partial<ClaimRecord> = {}): ClaimRecord =>
  ({
    peerId,
    name: 'ada',
    issue: 1,
    attempt: 1,
    state: 'held',
    previous: null,
    ...change,
  }) as ClaimRecord

describe('the judge of journals', () => {
  it('finds nothing where all hold the same', () => {
    const finals = [final('ada', entry(0), entry(1)), final('bo', entry(0), entry(1))]
    const seen = [shown('ada', entry(0)), shown('bo', entry(1, { agent: 'another name' }))]
    for (const found of [forks(seen, finals), missing(seen, finals), gaps(finals)]) {
      expect(found).toEqual([])
    }
  })

  it('finds a place that was written twice, at the end or on the way', () => {
    const other = entry(1, { time: 2 })
    expect(forks([], [final('ada', entry(1)), final('bo', other)])).toHaveLength(1)
    expect(forks([shown('ada', other)], [final('ada', entry(1))])).toHaveLength(1)
  })

  it('finds two journals of one epoch', () => {
    const of = (key: string) => ({ ...final('ada'), verifications: [verified({ key })] })
    expect(forks([], [of('k1'), of('k2')])).toEqual(['epoch 0 of …ooWada has 2 journals'])
    expect(forks([], [of('k1'), of('k2')], { copies: true })).toEqual([])
    expect(forks([], [of('k1'), of('k1')])).toEqual([])
  })

  it('finds what was shown and is gone, with every holder that lacks it', () => {
    const seen = [shown('ada', entry(0)), shown('ada', entry(1))]
    const finals = [final('ada', entry(0), entry(1)), final('bo', entry(0)), final('cy')]
    expect(missing(seen, finals)).toHaveLength(3)
  })

  it('takes what was written again elsewhere for what it was', () => {
    const origin = { key: 'k1', epoch: 0, seq: 1, time: 1 }
    const again = entry(0, { epoch: 1, origin })
    expect(missing([shown('ada', entry(1))], [final('bo', entry(0), again)])).toEqual([])
  })

  it('finds a gap', () => {
    expect(gaps([final('bo', entry(0), entry(2))])).toEqual(['bo has 2 of 3 in epoch 0 of …ooWada'])
  })

  it('finds a journal that does not verify', () => {
    const bad = verified({ ok: false, problems: ['torn'] })
    expect(unverified([{ ...final('bo'), verifications: [verified(), bad] }])).toHaveLength(1)
  })

  it('finds what was pushed and not written down before', () => {
    const tried = entry(0, { type: 'claim.tried', task, attempt: 1, oid })
    const first = new Map([[oid, record()]])
    expect(unwritten(first, [final('bo', tried)])).toEqual([])
    expect(unwritten(first, [final('bo', entry(0))])).toHaveLength(1)
    const renewal = new Map([...first, ['b'.repeat(40), record({ previous: oid })]])
    expect(unwritten(renewal, [final('bo', tried)])).toEqual([])
    const closed = record({ previous: oid, state: 'done' })
    expect(unwritten(new Map([...first, ['c'.repeat(40), closed]]), [final('bo', tried)])).toEqual([
      'no journal knows done(1) of #1, which ada pushed',
    ])
  })
})
