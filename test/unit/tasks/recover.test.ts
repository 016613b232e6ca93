import { describe, expect, it } from 'vitest'
import type { LoggedEntry } from '../../../src/journal/types.ts'
import { mintRecord, type ClaimState } from '../../../src/tasks/claim/record.ts'
import type { Tip } from '../../../src/tasks/claim/decide.ts'
import { decideRecovery, findUnfinished, type Unfinished } from '../../../src/tasks/recover.ts'

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
  it('finds what was begun and not ended', async () => {
    expect(await unfinished([tried, won, intent])).toEqual([
      {
        ...task,
        attempt: 1,
        title: 'Fix',
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
  const begun: Unfinished = {
    ...task,
    attempt: 1,
    title: 'Fix',
    oids: new Set([oid('1')]),
    since: 0,
  }
  const published: Unfinished = {
    ...begun,
    intent: { branch: 'b', base: oid('b'), head: oid('h'), done: oid('2'), seq: 5 },
  }

  it.each<[string, Unfinished, Tip, object]>([
    ['our held record', begun, tip('held'), { is: 'resume' }],
    [
      'our held record before the push of the intent',
      published,
      tip('held'),
      { is: 'deliver', intent: { head: oid('h') } },
    ],
    [
      'the done record of our intent',
      published,
      tip('done'),
      { is: 'publish', head: oid('h'), seq: 5 },
    ],
    ['our released record', begun, tip('released'), { is: 'write', entry: 'released' }],
    ['our failed record', begun, tip('failed'), { is: 'write', entry: 'failed' }],
    ['our cancelled record', begun, tip('cancelled'), { is: 'write', entry: 'cancelled' }],
    ['nothing', begun, { is: 'absent' }, { is: 'lost' }],
    ['garbage', begun, { is: 'invalid', oid: oid('9'), why: 'garbage' }, { is: 'lost' }],
    [
      'somebody else',
      begun,
      tip('held', { peerId: 'peer-b', attempt: 2, name: 'bob' }),
      { is: 'lost', winner: oid('9') },
    ],
    [
      'what was there before we tried',
      { ...begun, attempt: 2 },
      tip('released'),
      { is: 'lost', reason: 'the claim never arrived' },
    ],
    ['our done record without an intent', begun, tip('done'), { is: 'lost' }],
  ])('%s', (_what, at, found, expected) => {
    expect(decideRecovery(at, found, me)).toMatchObject(expected)
  })
})
