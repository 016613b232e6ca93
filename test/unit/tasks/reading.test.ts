import { describe, expect, it } from 'vitest'
import type { ReviewCalls } from '../../../src/tasks/github/review-calls.ts'
import { maxReads, pickVisits, readPulls, visitOf } from '../../../src/tasks/feedback/reading.ts'
import { newWatch, type Watched } from '../../../src/tasks/feedback/watched.ts'

const safetyMs = 300_000
const listed = { stamp: 's', isGone: false }

const checks = (pending: number) => ({ total: 1, pending, failed: [] })
const watch = (number: number, more: Partial<Watched> = {}): Watched => ({
  ...newWatch({ issue: number, attempt: 0, pull: { number, url: `https://x/${number}` } }, true),
  ...more,
})
const read = (number: number, at: number, pending = 0): Watched =>
  watch(number, {
    seen: {
      pull: { number, open: true, headOid: 'h' } as never,
      reviews: [],
      lines: [],
      checks: checks(pending),
    },
    stamp: 's',
    readAt: at,
    checkedAt: at,
    changedAt: at,
  })

describe('what is read of a pull request', () => {
  const visit = (one: Watched, now: number, asked = false, of = listed) => {
    const found = visitOf(one, of, { now, safetyMs, asked })
    return found === undefined ? 'nothing' : `${found.what}${found.isNews ? ', news' : ''}`
  }

  it('is all that changed, was never read, or is not listed any more', () => {
    expect(visit(watch(1), 0)).toBe('all, news')
    expect(visit(read(1, 0), 1, false, { stamp: 't', isGone: false })).toBe('all, news')
    expect(visit(read(1, 0), 1, false, { stamp: 's', isGone: true })).toBe('all, news')
    expect(visit(read(1, 0), safetyMs)).toBe('all')
  })

  it('is all, seldom, when nothing happens to it', () => {
    const old = { readAt: 9_000_000, checkedAt: 9_000_000, changedAt: 0 }
    expect(visit({ ...read(1, 0), ...old }, 9_000_000 + safetyMs)).toBe('nothing')
    expect(visit({ ...read(1, 0), ...old }, 9_000_000 + 6 * safetyMs)).toBe('all')
  })

  it('is no news when it could not be read', () => {
    expect(visit({ ...watch(1), missingSince: 0 }, 1)).toBe('all')
  })

  it('is its checks, at pauses that grow with the time since the change', () => {
    const one = read(1, 0)
    expect(visit(one, 1_000)).toBe('checks')
    expect(visit({ ...one, checkedAt: 80_000 }, 85_000)).toBe('nothing')
    expect(visit({ ...one, checkedAt: 80_000 }, 92_000)).toBe('checks')
    expect(visit({ ...one, checkedAt: 80_000 }, 85_000, true)).toBe('checks')
  })

  it('is nothing when all checks ended a while ago, and goes on while one has not', () => {
    const at = { readAt: 700_000, checkedAt: 700_000, changedAt: 0 }
    expect(visit({ ...read(1, 0), ...at }, 900_000)).toBe('nothing')
    expect(visit({ ...read(1, 0, 1), ...at }, 900_000)).toBe('checks')
  })
})

describe('how old it is, what is known', () => {
  it('is told by the last listing that shows it unchanged, not by one after which it could not be read', async () => {
    const one = watch(1)
    let labels: string[] = []
    const reviews = {
      openPulls: async () => ({
        pulls: [{ number: 1, updatedAt: '', headOid: 'h', draft: false, labels }],
        whole: true,
      }),
      pull: async () => {
        if (labels.length > 0) throw new Error('not readable')
        return { number: 1, open: true, headOid: 'h' }
      },
      reviews: async () => [],
      lineComments: async () => [],
      checks: async () => checks(0),
    } as unknown as ReviewCalls
    const shownAt = async (now: number) => {
      const init = { repo: 'o/r', now, safetyMs, asked: false }
      await readPulls(reviews, [one], init, new AbortController().signal, () => undefined)
      return one.shownAt
    }
    expect(await shownAt(1_000)).toBe(1_000)
    expect(await shownAt(2_000)).toBe(2_000)
    labels = ['needs a person']
    expect(await shownAt(3_000)).toBe(2_000)
  })
})

describe('which are read in one turn', () => {
  const visits = (all: readonly Watched[], now: number, of = listed) =>
    all.flatMap((one) => visitOf(one, of, { now, safetyMs, asked: false }) ?? [])

  it('are a few, those that changed before those that are due, the longest unseen first', () => {
    const old = Array.from({ length: 50 }, (_, n) => read(n, 100 - n))
    const fresh = [watch(900), watch(901)]
    const picked = pickVisits(visits([...old, ...fresh], safetyMs + 100)).map(
      ({ one }) => one.issue,
    )
    expect(picked).toEqual([900, 901, 49, 48, 47, 46, 45, 44])
  })

  it('reach all of hundreds, also when some cannot be read', async () => {
    const all = Array.from({ length: 200 }, (_, n) => watch(n))
    const seen = new Set<number>()
    let calls = 0
    const refuse = (number: number) => number % 10 === 0
    const reviews = {
      openPulls: async () => ({
        pulls: all.map(({ issue }) => ({
          number: issue,
          updatedAt: '',
          headOid: 'h',
          draft: false,
          labels: [],
        })),
        whole: true,
      }),
      pull: async (_: string, number: number) => {
        calls += 1
        if (refuse(number)) throw new Error('not readable')
        seen.add(number)
        return { number, open: true, headOid: 'h' }
      },
      reviews: async () => [],
      lineComments: async () => [],
      checks: async () => checks(0),
    } as unknown as ReviewCalls
    const signal = new AbortController().signal
    for (let turn = 1; turn <= 40; turn += 1) {
      calls = 0
      const init = { repo: 'o/r', now: turn * 1_000, safetyMs, asked: false }
      await readPulls(reviews, all, init, signal, () => undefined)
      expect(calls).toBeLessThanOrEqual(maxReads)
    }
    expect(seen.size).toBe(180)
  })
})
