/** What peers say: it counts for a moment, and a liar cannot make it count for ever. */
import { describe, expect, it } from 'vitest'
import { createHints } from '../../../src/tasks/look/hints.ts'
import { inTheirTime } from '../../../src/tasks/intake/stagger.ts'
import { systemClock, type Clock } from '../../../src/util/index.ts'

describe('hints', () => {
  const at = () => {
    let now = 0
    const hints = createHints(10, { ...systemClock, monotonic: () => now })
    return { hints, pass: (ms: number) => void (now += ms) }
  }

  it('hold an issue for a moment, also when they come from one who lost it', () => {
    for (const event of ['trying', 'claimed', 'lost'] as const) {
      const { hints, pass } = at()
      hints.note('a', event)
      expect(hints.holds('a')).toBe(true)
      expect(hints.holds('b')).toBe(false)
      pass(5_000)
      expect(hints.holds('a')).toBe(false)
    }
  })

  it('end when it is free again, and mean nothing when it is done', () => {
    const { hints } = at()
    hints.note('a', 'done')
    expect(hints.holds('a')).toBe(false)
    hints.note('a', 'claimed')
    hints.note('a', 'released')
    expect(hints.holds('a')).toBe(false)
  })

  it('keep nobody from an issue for more than 10 s of each minute, whatever is said', () => {
    const { hints, pass } = at()
    let held = 0
    for (let second = 0; second < 600; second += 1) {
      hints.note('a', second % 2 === 0 ? 'claimed' : 'trying')
      if (second % 7 === 0) hints.note('a', 'released')
      hints.note('a', 'claimed')
      if (hints.holds('a')) held += 1
      pass(1_000)
    }
    expect(held).toBeGreaterThan(50)
    expect(held).toBeLessThanOrEqual(110)
  })
})

describe('options in their time', () => {
  /** Time passes when it is waited for. */
  const modelClock = (): Clock => {
    let now = 0
    return {
      now: () => now,
      monotonic: () => now,
      after: (ms, callback) => {
        queueMicrotask(() => {
          now += ms
          callback()
        })
        return () => undefined
      },
    }
  }
  const { signal } = new AbortController()

  it('come in their order as they become due, without those that are over', async () => {
    const clock = modelClock()
    const options = [
      { name: 'urgent, third', rank: 2 },
      { name: 'first', rank: 0 },
      { name: 'taken', rank: 1 },
      { name: 'last', rank: 1_000 },
    ]
    const came: [string, number][] = []
    const isOver = ({ name }: { name: string }) => name === 'taken' && clock.monotonic() >= 600
    const init = { staggerMs: 1_000, clock, signal, isOver }
    for await (const { name } of inTheirTime(options, init)) came.push([name, clock.monotonic()])
    expect(came).toEqual([
      ['first', 0],
      ['urgent, third', 2_000],
      ['last', 15_000],
    ])
  })
})
