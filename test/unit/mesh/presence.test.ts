import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judge, WORST } from '../../../src/mesh/presence/health.ts'
import {
  LATE_SIGN_MS,
  LONGEST_SUSPICION,
  met,
  step,
  suspicionMs,
  type Context,
  type Event,
  type State,
} from '../../../src/mesh/presence/machine.ts'

const timing = { graceMs: 2000, suspicionMs: 10_000, silentMs: 90_000, helpers: 3 }
const at = (now: number, change: Partial<Context> = {}): Context => ({
  now,
  members: 5,
  patience: 1,
  timing,
  ...change,
})
/** Feeds events at their times; a number is a tick. */
function after(events: ([number, Event] | number)[], state: State = met(0)): State {
  return events.reduce<State>(
    (now, next) =>
      typeof next === 'number'
        ? step(now, { is: 'tick' }, at(next))
        : step(now, next[1], at(next[0])),
    state,
  )
}
const doubt: Event = { is: 'doubt' }
const denied = (...by: string[]): Event => ({ is: 'denied', by, asked: 3 })
const sign = (by: 'link' | 'probe' | 'gossip' | 'word', when: number): Event => ({
  is: 'sign',
  by,
  at: when,
})

describe('one peer', () => {
  test('a broken link that is mended within the grace is no news', () => {
    expect(after([[100, doubt], 2000, [2050, sign('link', 2050)], 60_000])).toEqual(met(2050))
  })

  test('one that is not becomes suspect, then gone, and only after others were asked', () => {
    const suspect = after([[100, doubt], 2100])
    expect(suspect).toMatchObject({ is: 'suspect', since: 2100, rounds: 0 })
    expect(after([600_000], suspect).is).toBe('suspect')
    expect(after([[5000, denied()], 32_000], suspect).is).toBe('suspect')
    expect(after([[5000, denied()], 32_100], suspect)).toMatchObject({ is: 'gone', why: 'silent' })
  })

  test('three who cannot reach it either make it short; the same one thrice does not', () => {
    const suspect = after([
      [100, doubt],
      [200, denied('x', 'y', 'z')],
    ])
    expect(suspect).toMatchObject({ is: 'suspect', since: 200, denied: ['x', 'y', 'z'] })
    expect(after([10_199], suspect).is).toBe('suspect')
    expect(after([10_200], suspect).is).toBe('gone')
    const once = after([
      [100, doubt],
      [200, denied('x')],
    ])
    expect(once.is).toBe('alive')
    const single = after([2100, [2200, denied('x')], [2300, denied('x')]], once)
    expect(after([12_200], single).is).toBe('suspect')
  })

  test('without any answer the grace decides, not the first failure: it may be this one that is cut off', () => {
    expect(
      after([
        [100, doubt],
        [200, denied()],
      ]).is,
    ).toBe('alive')
  })

  test('silence of someone who is not connected begins with doubt', () => {
    expect(after([89_999])).toEqual(met(0))
    expect(after([90_000])).toMatchObject({ is: 'alive', doubtAt: 90_000 })
    expect(after([90_000, 92_000]).is).toBe('suspect')
  })

  test.each(['link', 'probe', 'gossip', 'word'] as const)(
    'a sign by %s refutes a suspicion',
    (by) => {
      const suspect = after([[100, doubt], 2100])
      expect(after([[2500, sign(by, 2400)]], suspect)).toEqual(met(2400))
    },
  )

  test('an old word refutes nothing', () => {
    const suspect = after([[100, doubt], 2100])
    expect(after([[2500, sign('word', 2000)]], suspect).is).toBe('suspect')
    expect(
      after([
        [100, doubt],
        [200, sign('word', 50)],
      ]),
    ).toMatchObject({ doubtAt: 100 })
  })

  test('a goodbye is believed at once; what was under way then does not bring it back', () => {
    const gone = after([[1000, { is: 'goodbye' }]])
    expect(gone).toMatchObject({ is: 'gone', why: 'left' })
    const late = 1000 + LATE_SIGN_MS
    for (const by of ['gossip', 'word'] as const) {
      expect(after([[late, sign(by, late)]], gone)).toEqual(gone)
      expect(after([[late + 1, sign(by, late + 1)]], gone).is).toBe('alive')
    }
    expect(after([[1001, sign('link', 1001)]], gone).is).toBe('alive')
  })

  test('time in which this process did not run counts for nothing', () => {
    const slept: Event = { is: 'slept', ms: 60_000 }
    const suspect = after([[100, doubt], 2100, [3000, denied('x', 'y', 'z')]])
    expect(after([[70_000, slept], 70_000], suspect).is).toBe('suspect')
    expect(after([[100, doubt], [61_000, slept], 61_000]).is).toBe('alive')
    expect(after([[100_000, slept], 100_000])).toMatchObject({ doubtAt: undefined })
  })

  test('patience stretches grace, silence and suspicion', () => {
    const patient = (now: number) => at(now, { patience: 3 })
    const doubted = step(met(0), doubt, patient(0))
    expect(step(doubted, { is: 'tick' }, patient(5999)).is).toBe('alive')
    expect(step(doubted, { is: 'tick' }, patient(6000)).is).toBe('suspect')
    expect(step(met(0), { is: 'tick' }, patient(269_999))).toEqual(met(0))
    expect(suspicionMs(3, patient(0))).toBe(30_000)
  })
})

describe('properties', () => {
  const anyEvent: fc.Arbitrary<Event> = fc.oneof(
    fc.record({
      is: fc.constant('sign' as const),
      by: fc.constantFrom('link', 'probe', 'gossip', 'word'),
      at: fc.nat(1e6),
    }),
    fc.record({
      is: fc.constant('denied' as const),
      by: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 }),
      asked: fc.nat(3),
    }),
    fc.record({ is: fc.constant('slept' as const), ms: fc.nat(1e5) }),
    fc.constantFrom<Event>({ is: 'doubt' }, { is: 'goodbye' }, { is: 'tick' }),
  )
  const script = fc.array(fc.tuple(fc.nat(20_000), anyEvent), { maxLength: 60 })

  test('nobody is gone for silence who was not suspect first, probed, and given the shortest time', () => {
    fc.assert(
      fc.property(script, (events) => {
        let now = 0
        let state: State = met(0)
        for (const [pause, event] of events) {
          now += pause
          const before = state
          state = step(state, event, at(now))
          expect(state.heardAt).toBeLessThanOrEqual(now)
          if (state.is !== 'gone' || before.is === 'gone' || state.why === 'left') continue
          if (before.is !== 'suspect') throw new Error('was not suspect')
          expect(before.rounds).toBeGreaterThan(0)
          expect(now - before.since).toBeGreaterThanOrEqual(timing.suspicionMs)
        }
      }),
    )
  })

  test('whoever is really reached is alive, whatever was before', () => {
    fc.assert(
      fc.property(script, (events) => {
        let now = 0
        let state: State = met(0)
        for (const [pause, event] of events) state = step(state, event, at((now += pause)))
        expect(step(state, sign('probe', now), at(now))).toMatchObject({ is: 'alive' })
      }),
    )
  })

  test('suspicion shrinks with each denial and grows with members and patience, within bounds', () => {
    fc.assert(
      fc.property(
        fc.nat(5),
        fc.integer({ min: 2, max: 200 }),
        fc.integer({ min: 1, max: 9 }),
        (n, members, patience) => {
          const now = at(0, { members, patience })
          const ms = suspicionMs(n, now)
          expect(suspicionMs(n + 1, now)).toBeLessThanOrEqual(ms)
          expect(suspicionMs(n, { ...now, members: members + 1 }) >= ms || members < 5).toBe(true)
          expect(suspicionMs(n, { ...now, patience: patience + 1 })).toBeGreaterThan(ms)
          const scale = Math.max(1, Math.log10(members)) * patience
          expect(ms).toBeGreaterThanOrEqual(timing.suspicionMs * scale - 1e-6)
          expect(ms).toBeLessThanOrEqual(timing.suspicionMs * scale * LONGEST_SUSPICION + 1e-6)
        },
      ),
    )
  })

  test('health stays between 0 and the worst, worsens with lateness and lost answers, and recovers', () => {
    expect(judge(0, { is: 'late', ms: 100 })).toBe(0)
    expect(judge(0, { is: 'late', ms: 600 })).toBe(1)
    expect(judge(0, { is: 'late', ms: 60_000 })).toBe(3)
    expect(judge(WORST, { is: 'unheard' })).toBe(WORST)
    expect(judge(2, { is: 'answered' })).toBe(1)
    expect(judge(0, { is: 'in time' })).toBe(0)
  })
})
