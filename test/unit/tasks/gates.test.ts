/** What is asked before an issue is tried, and how seldom: a fake GitHub that counts, a clock that is set. */
import { beforeEach, describe, expect, it } from 'vitest'
import { TasksError } from '../../../src/tasks/errors.ts'
import { createGates, type GatesInit } from '../../../src/tasks/intake/gates.ts'
import type { Issue } from '../../../src/tasks/github/github.ts'
import { systemClock } from '../../../src/util/index.ts'

const { signal } = new AbortController()
const repo = 'octo/lib'
const issue = (change: Partial<Issue> = {}): Issue => ({
  number: 7,
  title: 'a',
  body: '',
  open: true,
  labels: ['bzzz'],
  assignees: [],
  author: 'stranger',
  createdAt: '',
  updatedAt: 'monday',
  url: '',
  isPull: false,
  ...change,
})

let now = 0
let calls: string[] = []
let labeledBy: { login: string; bot: boolean } | undefined
let before: Record<string, string[] | 'absent'> = {}
const clock = { ...systemClock, monotonic: () => now }
const absent = () => new TasksError('GITHUB_NOT_FOUND', 'absent')
const gateCalls = {
  labeledBy: async () => (calls.push('events'), labeledBy),
  mayTriage: async (_: string, login: string) => (calls.push(`may ${login}`), login === 'member'),
  openBefore: async (_: string, number: number, feature: string) => {
    calls.push(`${feature} ${number}`)
    const found = before[feature] ?? []
    if (found === 'absent') throw absent()
    return found
  },
}
const github = {
  gates: gateCalls,
  issue: async (_: string, number: number) => (calls.push(`issue ${number}`), issue()),
}
const gates = (init: Partial<GatesInit> = {}, own: string | null = null) =>
  createGates(
    { trigger: 'bzzz', trust: 'label', pollMs: 30_000, ...init },
    { github, clock, own: () => own },
  )

beforeEach(() => {
  now = 0
  calls = []
  labeledBy = { login: 'member', bot: false }
  before = {}
})

describe('trust', () => {
  const free = { waitsFor: 0, openParts: 0 }

  it('takes what a member labelled, whoever wrote it, and asks once', async () => {
    const gate = gates()
    for (let turn = 0; turn < 5; turn += 1)
      expect(await gate.ask(repo, issue(free), signal)).toEqual({ is: 'open' })
    expect(await gate.ask(repo, issue({ ...free, number: 8 }), signal)).toEqual({ is: 'open' })
    expect(calls).toEqual(['events', 'may member', 'events'])
  })

  it('asks for no permission of the token’s own login, nor of the user who owns the repository', async () => {
    const gate = gates({}, 'Hive')
    labeledBy = { login: 'hive', bot: false }
    expect(await gate.ask(repo, issue(free), signal)).toEqual({ is: 'open' })
    labeledBy = { login: 'octo', bot: false }
    const url = 'https://github.com/Octo/lib/issues/8'
    const eight = issue({ ...free, number: 8, url })
    expect(await gate.ask(repo, eight, signal)).toEqual({ is: 'open' })
    expect(calls).toEqual(['events', 'events'])
  })

  it('asks for the permission of whoever has the name of a former owner', async () => {
    labeledBy = { login: 'octo', bot: false }
    const url = 'https://github.com/other/lib/issues/7'
    const verdict = await gates().ask(repo, issue({ ...free, url }), signal)
    expect([verdict.is, ...calls]).toEqual(['untrusted', 'events', 'may octo'])
  })

  it('leaves alone what an issue form labelled for a stranger, until a member labels it', async () => {
    const gate = gates()
    labeledBy = { login: 'stranger', bot: false }
    const reason = 'untrusted: bzzz was set by stranger, who may not triage'
    for (let turn = 0; turn < 5; turn += 1)
      expect(await gate.ask(repo, issue(free), signal)).toEqual({ is: 'untrusted', reason })
    expect(calls).toEqual(['events', 'may stranger'])
    labeledBy = { login: 'member', bot: false }
    const again = issue({ ...free, updatedAt: 'tuesday' })
    expect(await gate.ask(repo, again, signal)).toEqual({ is: 'open' })
  })

  it('holds the label that nobody is on record for against the author', async () => {
    labeledBy = undefined
    expect((await gates().ask(repo, issue(free), signal)).is).toBe('untrusted')
    const own = issue({ ...free, author: 'member' })
    expect((await gates().ask(repo, own, signal)).is).toBe('open')
  })

  it('trusts an App that labels, since somebody installed it', async () => {
    labeledBy = { login: 'triage[bot]', bot: true }
    expect((await gates().ask(repo, issue(free), signal)).is).toBe('open')
    expect(calls).toEqual(['events'])
  })

  it('asks for the author only, or nothing, where the configuration says so', async () => {
    expect((await gates({ trust: 'author' }).ask(repo, issue(free), signal)).is).toBe('untrusted')
    expect(calls).toEqual(['may stranger'])
    expect((await gates({ trust: 'anyone' }).ask(repo, issue(free), signal)).is).toBe('open')
    expect(calls).toHaveLength(1)
  })

  it('asks again after a while, when a person may have left or come', async () => {
    const gate = gates()
    await gate.ask(repo, issue(free), signal)
    now += 10 * 60_000
    await gate.ask(repo, issue(free), signal)
    expect(calls).toEqual(['events', 'may member', 'events', 'may member'])
  })
})

describe('blocks', () => {
  const trusted: Partial<GatesInit> = { trust: 'anyone' }

  it('waits for open issues before it, and wakes within a poll when they close', async () => {
    const gate = gates(trusted)
    before = { dependencies: ['#4', 'octo/other#5'] }
    const reason = 'blocked by #4, octo/other#5'
    expect(await gate.ask(repo, issue(), signal)).toEqual({ is: 'blocked', reason })
    before = {}
    now += 30_000
    expect(await gate.ask(repo, issue(), signal)).toEqual({ is: 'open' })
  })

  it('asks at once about what waits for an issue that is gone, and about nothing else', async () => {
    const gate = gates(trusted)
    before = { dependencies: ['#4', 'octo/other#5'] }
    await gate.ask(repo, issue(), signal)
    expect(gate.barred(repo, 7)).toBe(true)
    calls = []
    expect(gate.changed(repo, 6)).toEqual([])
    await gate.ask(repo, issue(), signal)
    expect(calls).toEqual([])
    before = {}
    expect(gate.changed('Octo/Other', 5)).toEqual([repo])
    expect(await gate.ask(repo, issue(), signal)).toEqual({ is: 'open' })
    expect(gate.barred(repo, 7)).toBe(false)
    expect(gate.changed(repo, 4)).toEqual([])
  })

  it('waits for open sub-issues', async () => {
    before = { 'sub-issues': ['#9'] }
    const reason = 'has open sub-issues #9'
    expect(await gates(trusted).ask(repo, issue(), signal)).toEqual({ is: 'blocked', reason })
  })

  it('does not ask what the listing already says', async () => {
    const done = issue({ waitsFor: 0, openParts: 0 })
    expect(await gates(trusted).ask(repo, done, signal)).toEqual({ is: 'open' })
    expect(calls).toEqual([])
  })

  it('looks at many blocked issues in turns, ten for each', async () => {
    const gate = gates(trusted)
    before = { dependencies: ['#4'] }
    const all = Array.from({ length: 40 }, (_, n) => issue({ number: n + 10 }))
    const turn = async () => {
      calls = []
      for (const one of all) await gate.ask(repo, one, signal)
      return calls.length
    }
    expect(await turn()).toBe(40)
    let asked = 0
    for (let turns = 0; turns < 40; turns += 1) {
      now += 30_000
      asked += await turn()
    }
    expect(asked).toBe(400)
  })

  it('remembers for an hour that a forge lacks the feature', async () => {
    const gate = gates(trusted)
    before = { dependencies: 'absent', 'sub-issues': 'absent' }
    for (let turn = 0; turn < 3; turn += 1)
      expect(await gate.ask(repo, issue(), signal)).toEqual({ is: 'open' })
    expect(calls).toEqual(['dependencies 7', 'issue 7', 'sub-issues 7', 'issue 7'])
    now += 60 * 60_000
    before = { dependencies: ['#4'] }
    expect((await gate.ask(repo, issue(), signal)).is).toBe('blocked')
  })

  it('does not take an issue that is gone for a forge without the feature', async () => {
    before = { dependencies: 'absent' }
    const gone = { ...github, issue: () => Promise.reject(absent()) }
    const gate = createGates(
      { trigger: 'bzzz', trust: 'anyone', pollMs: 1_000 },
      { github: gone, clock },
    )
    await expect(gate.ask(repo, issue(), signal)).rejects.toMatchObject({
      code: 'GITHUB_NOT_FOUND',
    })
    before = { dependencies: ['#4'] }
    expect((await gate.ask(repo, issue(), signal)).is).toBe('blocked')
  })
})

describe('an assignment after the last holder let go', () => {
  it('is told by its time, once for each state of the issue', async () => {
    const at: Record<string, number | undefined> = { late: 1_000_000, early: 100_000 }
    const asked: string[] = []
    const assignedAt = async (_r: string, _n: number, login: string) => (
      asked.push(login),
      at[login]
    )
    const all = { ...github, gates: { ...gateCalls, assignedAt } }
    const made = createGates(
      { trigger: 'bzzz', trust: 'anyone', pollMs: 1 },
      { github: all, clock },
    )
    const held = { logins: ['late', 'early', 'never'], since: 200_000 }
    for (let times = 0; times < 2; times += 1)
      expect(await made.takenSince?.(repo, issue(), held, signal)).toEqual(['late'])
    expect(asked).toEqual(['late', 'early', 'never'])
    await made.takenSince?.(repo, issue({ updatedAt: 'tuesday' }), held, signal)
    expect(asked).toHaveLength(6)
  })
})
