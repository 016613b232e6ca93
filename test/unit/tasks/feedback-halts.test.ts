import { describe, expect, it } from 'vitest'
import { whileBlocked, handOnMs, tellMs } from '../../../src/tasks/feedback/handing-on.ts'
import { granted, lastHalt, type Granting } from '../../../src/tasks/feedback/halts.ts'
import { judge } from '../../../src/tasks/feedback/judge.ts'
import { createManners, mostAnswers } from '../../../src/tasks/feedback/manners.ts'
import { isAnswered, replies, replyTo } from '../../../src/tasks/feedback/replies.ts'
import { workRound } from '../../../src/tasks/feedback/round.ts'
import { parseCommand } from '../../../src/tasks/feedback/commands.ts'
import { eligible } from '../../../src/tasks/intake/intake.ts'

describe('rounds after the label was taken off', () => {
  const may = (of: Partial<Granting>) =>
    granted({
      halt: { rounds: 3, atMs: 1_000 },
      markSeenAt: 2_000,
      seenAt: 3_000,
      rounds: 3,
      maxRounds: 3,
      ...of,
    })

  it('are as many as before, and what was worked is open again until one is made', () => {
    expect(may({ halt: undefined })).toEqual({ halted: false, limit: 3, again: false })
    expect(may({})).toEqual({ halted: false, limit: 6, again: true })
    expect(may({ rounds: 4 })).toEqual({ halted: false, limit: 6, again: false })
    expect(may({ halt: { rounds: 6, atMs: 1_000 }, rounds: 6 }).limit).toBe(9)
    expect(may({ halt: { rounds: 999, atMs: 1_000 } }).limit).toBe(1_000)
  })

  it('are none as long as the label may only not be seen yet', () => {
    expect(may({ markSeenAt: 500 }).halted).toBe(true)
    expect(may({ markSeenAt: -Infinity, seenAt: 61_000 }).halted).toBe(false)
    // However late it is: what was read before says nothing of it.
    expect(may({ markSeenAt: -Infinity, seenAt: 900 }).halted).toBe(true)
    expect(may({ markSeenAt: -Infinity, seenAt: -Infinity }).halted).toBe(true)
  })

  it('are judged like first ones', () => {
    const item = { key: 'a', kind: 'review' as const, from: 'x', text: '' }
    const input = { items: [item], worked: new Set(['a']), asked: false, pending: 0, marked: false }
    const times = { now: 10, quietSince: 0, quietMs: 0 }
    const due = (more: object) =>
      judge({ ...input, ...times, rounds: 3, maxRounds: 6, again: true, ...more })
    expect(due({})).toMatchObject({ is: 'round', items: [{ key: 'a' }] })
    expect(due({ again: false })).toEqual({ is: 'nothing' })
    expect(due({ worked: new Set(), rounds: 6 })).toMatchObject({ is: 'person' })
  })

  it('are counted since the last command, for this pull request, by the newest entry', async () => {
    const entry = (rounds: number, time: number, more: object = {}) => ({
      type: 'feedback.exhausted',
      task: { repo: 'o/r', issue: 7 },
      pull: 8,
      rounds,
      time,
      ...more,
    })
    const journal = {
      async *read() {
        yield* [
          entry(3, 30),
          entry(6, 60),
          entry(9, 90, { command: 5 }),
          entry(12, 99, { pull: 9 }),
        ] as never[]
      },
    }
    const of = { repo: 'o/r', issue: 7, pull: 8 }
    expect(await lastHalt(journal, { ...of, command: 0 })).toEqual({ rounds: 6, atMs: 60 })
    expect(await lastHalt(journal, { ...of, command: 5 })).toEqual({ rounds: 9, atMs: 90 })
    expect(await lastHalt(journal, { ...of, command: 6 })).toBeUndefined()
  })
})

describe('a round that cannot be begun here', () => {
  it('goes to another agent after a while, or people are told; once', () => {
    const next = (of: Partial<Parameters<typeof whileBlocked>[0]>) =>
      whileBlocked({ since: 0, now: 0, owned: true, others: true, toldAt: -Infinity, ...of })
    expect(next({ now: handOnMs - 1 })).toBe('wait')
    expect(next({ now: handOnMs })).toBe('hand on')
    // It is anybody's already.
    expect(next({ now: tellMs, owned: false })).toBe('wait')
    expect(next({ now: handOnMs, others: false })).toBe('wait')
    expect(next({ now: tellMs, others: false })).toBe('tell')
    expect(next({ now: tellMs + 1, others: false, toldAt: tellMs })).toBe('wait')
  })
})

describe('answers to commands', () => {
  it('name what they answer, once, and command nothing themselves', () => {
    for (const text of [replies.unknown('dance'), '/bzzz stop', '  /BZZZ retry\nplease']) {
      const body = replyTo(12, 'ada', text)
      expect(parseCommand(body)).toBeUndefined()
      expect(isAnswered(12, ['hello', `${body}\n`])).toBe(true)
      expect(isAnswered(2, [body])).toBe(false)
    }
    expect(replies.unknown('@all `x')).toContain('`@all  x`')
  })

  it('to strangers end after some, and begin again after an hour', () => {
    let now = 0
    const manners = createManners({ monotonic: () => now } as never)
    const said = (login: string, times: number) =>
      Array.from({ length: times }, () => manners.stranger(login)).filter(Boolean).length
    expect(said('Mallory', 9)).toBe(mostAnswers.stranger)
    expect(said('mallory', 1)).toBe(0)
    const many = Array.from({ length: 99 }, (_, n) => said(`m${n}`, 1)).filter((n) => n > 0)
    expect(many).toHaveLength(mostAnswers.strangers - mostAnswers.stranger)
    now = 60 * 60_000
    expect(said('mallory', 1)).toBe(1)
    expect(Array.from({ length: 99 }, () => manners.reply()).filter(Boolean)).toHaveLength(
      mostAnswers.replies,
    )
  })
})

describe('a merge without conflicts', () => {
  const clean = { key: 'c', kind: 'conflict' as const, from: 'main', text: 'It was merged.' }
  const run = (results: object[]) => {
    const asked: (string | undefined)[] = []
    const disposed: number[] = []
    const step = async (only?: 'checks') => {
      asked.push(only)
      return { dispose: async () => void disposed.push(asked.length), ...results.shift() } as never
    }
    return { asked, disposed, step }
  }
  const begun = () => ({ branchTip: 'a', start: 'b', clean: { ...clean } })

  it('is only checked; an executor runs when the checks fail with it, and is told how', async () => {
    const good = run([{ outcome: 'changed' }])
    expect(await workRound(begun(), good.step)).toMatchObject({ outcome: 'changed' })
    expect(good.asked).toEqual(['checks'])
    const checks = [{ name: 'test', outcome: 'failed', tail: '2 + 2 is not 5' }]
    const bad = run([
      { outcome: 'failed', code: 'CHECKS_FAILED', reason: 'test fails', checks },
      { outcome: 'changed' },
    ])
    const of = begun()
    expect(await workRound(of, bad.step)).toMatchObject({ outcome: 'changed' })
    expect(bad.asked).toEqual(['checks', undefined])
    expect(bad.disposed).toEqual([1])
    expect(of.clean.text).toMatch(/It was merged\.[^]*test fails[^]*2 \+ 2 is not 5/)
    const broken = run([{ outcome: 'failed', code: 'WORKSPACE', checks: [] }])
    expect(await workRound(begun(), broken.step)).toMatchObject({ code: 'WORKSPACE' })
  })

  it('is nothing to any other round', async () => {
    const other = run([{ outcome: 'changed' }])
    await workRound({ branchTip: 'a', start: 'a' }, other.step)
    expect(other.asked).toEqual([undefined])
  })
})

it('what a person stopped is not taken', () => {
  const issue = { open: true, isPull: false, labels: ['bzzz', 'Bzzz:Stopped'], assignees: [] }
  const rules = { trigger: 'bzzz', failed: 'f', requiredLabels: [], meshLogins: new Set<string>() }
  expect(eligible(issue as never, rules)).toEqual({ is: 'eligible' })
  expect(eligible(issue as never, { ...rules, stopped: 'bzzz:stopped' })).toMatchObject({
    is: 'skip',
    reason: 'stopped by a person (label bzzz:stopped)',
  })
})
