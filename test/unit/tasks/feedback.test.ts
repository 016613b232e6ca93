import { describe, expect, it } from 'vitest'
import { parseCommand } from '../../../src/tasks/feedback/commands.ts'
import { namedIn } from '../../../src/tasks/feedback/follow-ups.ts'
import { roundsOf } from '../../../src/tasks/feedback/history.ts'
import { itemsOf, type Heard, type Item } from '../../../src/tasks/feedback/items.ts'
import { judge, maxPendingMs, type JudgeInput } from '../../../src/tasks/feedback/judge.ts'

const review = (id: number, author: string, state: string, more: object = {}) => ({
  id,
  author,
  bot: false,
  state,
  body: 'b',
  submittedAt: '',
  ...more,
})
const heard = (of: Partial<Heard>): Heard => ({
  pull: { headOid: 'a', baseRef: 'main', conflicts: false },
  checks: { total: 0, pending: 0, failed: [] },
  reviews: [],
  lines: [],
  ...of,
})
const line = (id: number, of: number, author: string) => ({
  id,
  review: of,
  author,
  bot: false,
  path: 'a.ts',
  line: 3,
  body: 'here',
  hunk: '@@',
})
const may = new Set(['grace'])

describe('what is to be answered', () => {
  it('are reviews that ask for changes until their author approves, and comments on lines', () => {
    const asks = review(1, 'Grace', 'CHANGES_REQUESTED')
    expect(itemsOf(heard({ reviews: [asks] }), may).items).toMatchObject([{ from: 'Grace' }])
    const approved = [asks, review(2, 'Grace', 'APPROVED')]
    expect(itemsOf(heard({ reviews: approved }), may).items).toEqual([])
    const plain = review(3, 'grace', 'COMMENTED')
    expect(itemsOf(heard({ reviews: [plain] }), may).items).toEqual([])
    const lines = [line(9, 3, 'grace'), line(10, 3, 'mallory')]
    const { items } = itemsOf(heard({ reviews: [plain], lines }), may)
    expect(items).toHaveLength(1)
    expect(items[0]?.text.match(/On a\.ts, line 3/g)).toHaveLength(1)
  })

  it('is nothing that strangers or programs say', () => {
    const reviews = [
      review(1, 'mallory', 'CHANGES_REQUESTED'),
      review(2, 'grace', 'CHANGES_REQUESTED', { bot: true }),
    ]
    const { items, ignored } = itemsOf(heard({ reviews }), may)
    expect(items).toEqual([])
    expect(ignored.map(({ from, reason }) => `${from}: ${reason}`)).toEqual([
      'mallory: its author has no write access',
      'grace: a program wrote it',
    ])
  })

  it('has a key that changes with what it is about, and only then', () => {
    const failed = { kind: 'run' as const, id: 1, name: 'ci', conclusion: 'failure' }
    const check = { ...failed, title: '', text: 't', url: '', isJob: false }
    const key = (pull: object, id: number) =>
      itemsOf(
        heard({
          pull: { headOid: 'a', baseRef: 'main', conflicts: false, ...pull },
          checks: { total: 1, pending: 0, failed: [{ ...check, id }] },
        }),
        may,
      ).items[0]?.key
    expect(key({}, 1)).toBe(key({}, 2))
    expect(key({}, 1)).not.toBe(key({ headOid: 'b' }, 1))
    const conflict = { pull: { headOid: 'a', baseRef: 'main', conflicts: true } }
    expect(itemsOf(heard(conflict), may).items).toMatchObject([{ kind: 'conflict', from: 'main' }])
  })
})

describe('what is due', () => {
  const item = (key: string, kind: Item['kind'] = 'review'): Item => ({
    key,
    kind,
    from: 'x',
    text: '',
  })
  const due = (of: Partial<JudgeInput>) =>
    judge({
      items: [item('a')],
      worked: new Set(),
      asked: false,
      rounds: 0,
      maxRounds: 3,
      pending: 0,
      marked: false,
      now: 100_000,
      quietSince: 70_000,
      quietMs: 30_000,
      ...of,
    })

  it('is a round once it was quiet for a while', () => {
    expect(due({})).toMatchObject({ is: 'round', items: [{ key: 'a' }] })
    expect(due({ now: 99_999 })).toMatchObject({ is: 'wait', until: 100_000 })
    expect(due({ items: [] })).toEqual({ is: 'nothing' })
  })

  it('is only what no round was about, unless a person asks', () => {
    expect(due({ worked: new Set(['a']) })).toEqual({ is: 'nothing' })
    const both = { items: [item('a'), item('b')], worked: new Set(['a']) }
    expect(due(both)).toMatchObject({ items: [{ key: 'b' }] })
    expect(due({ ...both, asked: true, marked: true, rounds: 3 })).toMatchObject({
      items: [{ key: 'a' }, { key: 'b' }],
    })
  })

  it('waits with a failed check for the others, but not for ever', () => {
    const check = { items: [item('a', 'check')], pending: 1 }
    expect(due(check)).toMatchObject({ is: 'wait' })
    expect(due({ ...check, now: 70_000 + maxPendingMs })).toMatchObject({ is: 'round' })
    expect(due({ items: [item('a', 'check'), item('b')], pending: 1 })).toMatchObject({
      is: 'round',
    })
  })

  it('is a person after so many rounds, and then nothing', () => {
    expect(due({ rounds: 3 })).toMatchObject({ is: 'person' })
    expect(due({ rounds: 3, marked: true })).toEqual({ is: 'nothing' })
  })

  it('is read from the chain, since a person last asked', () => {
    const of = (state: string, round: number, key: string, command?: number) =>
      ({ state, round, feedback: [key], command, login: 'Bot' }) as never
    const chain = [
      of('done', 1, 'c', 9),
      of('held', 1, 'c', 9),
      of('done', 2, 'b'),
      of('done', 1, 'a'),
    ]
    expect(roundsOf(chain)).toEqual({
      rounds: 1,
      worked: new Set(['c']),
      command: 9,
      logins: ['bot'],
    })
    expect(roundsOf(chain.slice(2))).toMatchObject({ rounds: 2, worked: new Set(['a', 'b']) })
  })
})

describe('a command', () => {
  it.each([
    ['/bzzz retry', { is: 'retry' }],
    ['  /BZZZ Stop  ', { is: 'stop' }],
    ['/bzzz release now\nplease', { is: 'release' }],
    ['/bzzz ask why?\nReally', { is: 'ask', question: 'why?\nReally' }],
    ['/bzzz ask', { is: 'unknown', word: 'ask' }],
    ['/bzzz', { is: 'unknown', word: '' }],
    ['/bzzz dance', { is: 'unknown', word: 'dance' }],
    ['/bzzzt retry', undefined],
    ['see /bzzz retry', undefined],
    ['> /bzzz retry', undefined],
    ['', undefined],
  ])('%j', (body, command) => expect(parseCommand(body)).toEqual(command))
})

describe('issues that an executor names', () => {
  const words = (json: string) => `Done.\n\n\`\`\`bzzz-issues\n${json}\n\`\`\`\n`
  it('are decoded, and refused as a whole when one is not as it should be', () => {
    expect(namedIn('Done.')).toEqual({ issues: [] })
    const one = { kind: 'follow-up', title: 'T' }
    expect(namedIn(words(JSON.stringify([one])))).toEqual({ issues: [{ ...one, body: '' }] })
    expect(namedIn(words('{')).refused).toBe('it is no JSON')
    expect(namedIn(words(JSON.stringify([{ ...one, labels: ['bzzz'] }]))).refused).toBeDefined()
    expect(
      namedIn(words(JSON.stringify(Array.from({ length: 6 }, () => one)))).refused,
    ).toBeDefined()
  })
})
