import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  due,
  forgettable,
  KnownPeers,
  redialDelay,
  type Known,
} from '../../../src/mesh/links/redial.ts'
import { fakeClock } from './fake-clock.ts'

const policy = { baseMs: 3000, maxMs: 30_000 }
const known = (key: string, change: Partial<Known> = {}): Known => ({
  key,
  addresses: [],
  failures: 0,
  notBefore: 0,
  heardAt: 0,
  pinned: false,
  ...change,
})

describe('redialDelay', () => {
  test('doubles from 3 s to 30 s', () => {
    const delays = [1, 2, 3, 4, 5, 60].map((failures) => redialDelay(failures, policy, () => 0))
    expect(delays).toEqual([3000, 6000, 12_000, 24_000, 30_000, 30_000])
  })

  test('grows to an hour for who is away for most of a day', () => {
    const minutes = [1, 10, 60, 600, 6000]
    const delays = minutes.map((at) => redialDelay(60, policy, () => 0, at * 60_000))
    expect(delays).toEqual([30_000, 30_000, 180_000, 1_800_000, 3_600_000])
  })

  test('jitter takes at most 30 % off', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, random) => {
          const full = redialDelay(failures, policy, () => 0)
          const delay = redialDelay(failures, policy, () => random)
          expect(delay).toBeLessThanOrEqual(full)
          expect(delay).toBeGreaterThan(full * 0.69)
        },
      ),
    )
  })
})

test('due: whose time came and who is not busy, longest waiting first', () => {
  const all = [
    known('late', { notBefore: 101 }),
    known('b', { notBefore: 50 }),
    known('a', { notBefore: 10 }),
    known('busy'),
  ]
  expect(due(all, 100, (key) => key === 'busy').map(({ key }) => key)).toEqual(['a', 'b'])
})

test('forgettable: too old and too many, never the connected or pinned', () => {
  const limits = { maxPeers: 2, maxAgeMs: 1000 }
  const all = [
    known('old', { heardAt: 0 }),
    known('oldest but pinned', { heardAt: -5000, pinned: true }),
    known('oldest but connected', { heardAt: -5000 }),
    known('third', { heardAt: 1100 }),
    known('second', { heardAt: 1200 }),
    known('first', { heardAt: 1300 }),
  ]
  const keys = forgettable(all, 1500, limits, (key) => key.includes('connected'))
  expect(keys.sort()).toEqual(['old', 'third'])
})

describe('KnownPeers', () => {
  const setup = (connected: string[] = []) => {
    const clock = fakeClock()
    const limits = { maxPeers: 3, maxAgeMs: 10_000 }
    return {
      clock,
      book: new KnownPeers(limits, { clock, isConnected: (key) => connected.includes(key) }),
    }
  }

  test('keeps the newest addresses, each once, at most 16', () => {
    const { book } = setup()
    book.learn('a', ['1', '2'])
    book.learn('a', ['3', '1'])
    expect(book.get('a')?.addresses).toEqual(['3', '1', '2'])
    book.learn(
      'a',
      Array.from({ length: 40 }, (_, n) => `n${n}`),
    )
    expect(book.get('a')?.addresses).toHaveLength(16)
  })

  test('is bounded in number however many are heard of', async () => {
    const { book, clock } = setup(['friend'])
    book.learn('friend', [])
    book.learn('pinned', [], { pinned: true })
    for (let n = 0; n < 50; n += 1) {
      await clock.advance(1)
      book.learn(`peer ${n}`, [])
    }
    expect(book.size).toBe(5)
    await clock.advance(20_000)
    book.forget()
    expect([...book.entries()].map(({ key }) => key)).toEqual(['friend', 'pinned'])
  })

  test('failures put off, success resets, hurry brings forward but never into a storm', async () => {
    const { book, clock } = setup()
    book.learn('a', [])
    book.attempted('a')
    book.failed('a', () => 30_000)
    expect(book.get('a')?.notBefore).toBe(clock.monotonic() + 30_000)
    expect(book.hurry('a', 0, 500)).toBe(500)
    await clock.advance(500)
    expect(book.hurry('a', 0, 500)).toBe(0)
    book.failed('a', () => 10)
    expect(book.get('a')?.failures).toBe(2)
    book.succeeded('a')
    expect(book.get('a')).toMatchObject({ failures: 0, notBefore: clock.monotonic() })
  })

  test('a first dial may be left to the other side for a moment', () => {
    const { book } = setup()
    book.learn('a', [])
    expect(book.hurry('a', 300, 500)).toBe(300)
  })
})
