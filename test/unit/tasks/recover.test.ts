import { describe, expect, it } from 'vitest'
import type { LoggedEntry } from '../../../src/journal/types.ts'
import { mintRecord, type ClaimState } from '../../../src/tasks/claim/record.ts'
import type { Tip } from '../../../src/tasks/claim/decide.ts'
import {
  decideRecovery,
  findUnfinished,
  type Unfinished,
} from '../../../src/tasks/recover/recover.ts'

const oid = (letter: string) => letter.repeat(40)
const task = { repo: 'octo/lib', issue: 4 }
const me = 'peer-a'
let seq = 0
const entry = (fields: object) =>
  ({
    v: 1,
    epoch: 0,
    seq: seq++,
    time: 1_000,
    agent: 'ada',
    peerId: me,
    task,
    attempt: 1,
    ...fields,
  }) as unknown as LoggedEntry
const tried = entry({ type: 'claim.tried', oid: oid('1') })
const won = entry({
  type: 'claim.won',
  oid: oid('1'),
  title: 'Fix',
  branch: 'bzzz/issue-4',
  leaseMs: 1,
})
const intent = entry({
  type: 'publish.intent',
  branch: 'bzzz/issue-4',
  base: oid('b'),
  head: oid('h'),
  claim: oid('1'),
  done: oid('2'),
})
const unfinished = (entries: LoggedEntry[]) =>
  findUnfinished(
    {
      head: () => ({ key: '', epoch: 0, length: 0 }),
      append: async () => Promise.reject(new Error('not here')),
      async *read() {
        yield* entries
      },
      async *tail() {
        yield* entries
      },
    },
    me,
  )
const tip = (state: ClaimState, change: object = {}): Tip => ({
  is: 'record',
  oid: oid('9'),
  record: {
    ...mintRecord({
      ...task,
      state,
      attempt: 1,
      strikes: 0,
      peerId: me,
      name: 'ada',
      incarnation: '0'.repeat(32),
      login: 'ada',
      leaseMs: 60_000,
      previous: null,
    }),
    ...change,
  },
})

describe('findUnfinished', () => {
  it('keeps a claim that was won while only a new try at it was lost, until that is settled', async () => {
    const again = entry({ type: 'claim.tried', oid: oid('3'), attempt: 2 })
    const lost = { type: 'claim.lost', attempt: 2, reason: 'another agent was first' }
    const left = [tried, won, again, entry({ ...lost, oid: oid('3') })]
    const [found] = await unfinished(left)
    expect(found).toMatchObject({ won: true, oids: new Set([oid('1'), oid('3')]) })
    expect(decideRecovery(found!, { is: 'absent' }, me)).toMatchObject({ is: 'lost' })
    expect(await unfinished([...left, entry(lost)])).toEqual([])
    expect(await unfinished([again, entry({ ...lost, oid: oid('3') })])).toEqual([])
  })

  it('finds what was begun and not ended', async () => {
    expect(await unfinished([tried, won, intent])).toEqual([
      {
        ...task,
        attempt: 1,
        title: 'Fix',
        won: true,
        oids: new Set([oid('1'), oid('2')]),
        since: 1_000,
        intent: {
          branch: 'bzzz/issue-4',
          base: oid('b'),
          head: oid('h'),
          done: oid('2'),
          seq: intent.seq,
        },
      },
    ])
  })

  it('knows the commit of finished work', async () => {
    const finished = { branch: 'bzzz/issue-4', base: oid('b'), head: oid('f') }
    const entries = [tried, won, entry({ type: 'work.finished', ...finished })]
    expect(await unfinished(entries)).toMatchObject([{ finished }])
  })

  it.each([
    ['done', { type: 'task.done', pull: 3, durationMs: 1 }],
    ['failed', { type: 'task.failed', code: 'X', reason: '', durationMs: 1 }],
    ['cancelled', { type: 'task.cancelled', reason: '' }],
    ['released', { type: 'claim.released', state: 'released', reason: '' }],
    ['lost', { type: 'claim.lost', reason: 'another agent was first' }],
  ])('leaves out what was %s', async (_what, fields) => {
    expect(await unfinished([tried, won, entry(fields)])).toEqual([])
  })

  it('keeps a claim whose fate was unknown', async () => {
    expect(
      await unfinished([tried, entry({ type: 'claim.lost', reason: 'unknown: no answer' })]),
    ).toHaveLength(1)
  })

  it('looks at the newest attempt only', async () => {
    const again = entry({ type: 'claim.tried', oid: oid('3'), attempt: 2 })
    expect(
      await unfinished([
        tried,
        won,
        entry({ type: 'claim.released', state: 'released', reason: '' }),
        again,
      ]),
    ).toMatchObject([{ attempt: 2 }])
  })
})

describe('decideRecovery', () => {
  const tried: Unfinished = {
    ...task,
    attempt: 1,
    title: '',
    won: false,
    oids: new Set([oid('1')]),
    since: 0,
  }
  const won: Unfinished = { ...tried, title: 'Fix', won: true }
  const intent: Unfinished = {
    ...won,
    intent: { branch: 'b', base: oid('b'), head: oid('h'), done: oid('2'), seq: 5 },
  }
  const absent: Tip = { is: 'absent' }
  const garbage: Tip = { is: 'invalid', oid: oid('9'), why: 'garbage' }
  const other = (state: ClaimState) => tip(state, { peerId: 'peer-b', attempt: 2, name: 'bob' })
  const never = { is: 'lost', reason: 'the claim never arrived' }
  const lostToBob = {
    is: 'lost',
    reason: 'bob went on while this agent was away',
    winner: oid('9'),
  }
  const resume = { is: 'resume' }
  const written = (entry: string) => ({ is: 'write', entry })

  /** The table in the head of `recover.ts`; what the issue, the branch and the pull request add is in `flow-recover-table`. */
  it.each<[string, Unfinished, Tip, object]>([
    ['tried × nothing', tried, absent, never],
    ['tried × our own record before', { ...tried, attempt: 2 }, tip('released'), never],
    ['tried × the record of the holder before', { ...tried, attempt: 3 }, other('held'), never],
    ['tried × our held record', tried, tip('held'), resume],
    ['tried × the held record of somebody else', tried, other('held'), lostToBob],
    ['tried × no record', tried, garbage, { is: 'lost' }],
    ['won × nothing', won, absent, { is: 'lost', reason: 'the claim ref was deleted' }],
    ['won × our held record', won, tip('held'), resume],
    [
      'won, crashed again at the next claim × the held record before',
      { ...won, attempt: 2 },
      { ...(tip('held') as Extract<Tip, { is: 'record' }>), oid: oid('1') },
      resume,
    ],
    ['won × our done record', won, tip('done'), { is: 'lost', winner: oid('9') }],
    ['won × our released record', won, tip('released'), written('released')],
    ['won × our yielded record', won, tip('yielded'), written('released')],
    ['won × our failed record', won, tip('failed'), written('failed')],
    ['won × our cancelled record', won, tip('cancelled'), written('cancelled')],
    ['won × the held record of somebody else', won, other('held'), lostToBob],
    ['won × the done record of somebody else', won, other('done'), lostToBob],
    ['won × the released record of somebody else', won, other('released'), lostToBob],
    ['won × no record', won, garbage, { is: 'lost' }],
    ['intent × nothing', intent, absent, { is: 'lost', reason: 'the claim ref was deleted' }],
    ['intent × our held record', intent, tip('held'), { is: 'deliver', work: { head: oid('h') } }],
    [
      'finished × our held record',
      { ...won, finished: { branch: 'b', base: oid('b'), head: oid('f') } },
      tip('held'),
      { is: 'deliver', work: { head: oid('f') } },
    ],
    [
      'intent or pushed × our done record',
      intent,
      tip('done'),
      { is: 'publish', head: oid('h'), seq: 5 },
    ],
    ['intent × our failed record', intent, tip('failed'), written('failed')],
    ['intent × our cancelled record', intent, tip('cancelled'), written('cancelled')],
    ['intent × the held record of somebody else', intent, other('held'), lostToBob],
    ['intent × no record', intent, garbage, { is: 'lost' }],
  ])('%s', (_what, at, found, expected) => {
    expect(decideRecovery(at, found, me)).toMatchObject(expected)
  })
})
