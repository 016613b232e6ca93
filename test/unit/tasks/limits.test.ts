/** What may still be asked: the decision, and the view that agents of one principal share. */
import { describe, expect, it } from 'vitest'
import type { LimitReport } from '../../../src/mesh/index.ts'
import { createHeadroom, limitsBursts } from '../../../src/tasks/github/headroom.ts'
import { allowance, type Kind, type LimitView } from '../../../src/tasks/github/limits.ts'
import { fakeClock } from '../mesh/fake-clock.ts'

const kinds: Kind[] = ['discovery', 'intake', 'renewal', 'publication']
const now = 1_000_000
const view = (change: Partial<LimitView> = {}): LimitView => ({
  now,
  points: 0,
  creations: 0,
  creationsPerHour: 0,
  ...change,
})
const left = (remaining: number) => {
  const primary = { remaining, limit: 5_000, resetAtMs: now + 1_000 }
  return view({ primary, own: primary })
}
const answers = (at: LimitView) =>
  kinds.map((kind) => {
    const may = allowance(at, kind)
    return may.is === 'go' ? may.stretch : 'wait'
  })

describe('the allowance', () => {
  it('gives up looks first, then new work, and only at the very end the rest', () => {
    expect(answers(view())).toEqual([1, 1, 1, 1])
    expect(answers(left(4_000))).toEqual([1, 1, 1, 1])
    expect(answers(left(1_250))).toEqual([4, 1, 1, 1])
    expect(answers(left(500))).toEqual([10, 'wait', 1, 1])
    expect(answers(left(1))).toEqual([10, 'wait', 1, 1])
    expect(answers(left(0))).toEqual(['wait', 'wait', 'wait', 'wait'])
    expect(allowance(left(0), 'intake')).toMatchObject({ untilMs: now + 1_000 })
  })

  it('lets running work go by the own reading alone', () => {
    const { primary, ...theirs } = left(0)
    expect(answers({ ...theirs, own: primary!, points: 0 })).toEqual([1, 1, 'wait', 'wait'])
    const { own: _, ...hearsay } = left(0)
    expect(answers(hearsay)).toEqual(['wait', 'wait', 1, 1])
  })

  it('forgets a window that is over', () => {
    expect(answers({ ...left(0), now: now + 1_001 })).toEqual([1, 1, 1, 1])
  })

  it('heeds pauses: the own for everything, others only for new work', () => {
    const brake = (own: boolean) => view({ brake: { untilMs: now + 1, own } })
    expect(answers(brake(true))).toEqual(['wait', 'wait', 'wait', 'wait'])
    expect(answers(brake(false))).toEqual(['wait', 'wait', 1, 1])
    expect(answers(view({ brake: { untilMs: now, own: true } }))).toEqual([1, 1, 1, 1])
  })

  it('counts bursts of its own', () => {
    expect(answers(view({ points: 450 }))).toEqual([4, 1, 1, 1])
    expect(answers(view({ creations: 60 }))).toEqual([10, 'wait', 1, 1])
    expect(answers(view({ creationsPerHour: 500 }))).toEqual(['wait', 'wait', 'wait', 'wait'])
  })
})

describe('the shared view', () => {
  const principal = 'user:bot@github.test'
  const hour = 60 * 60_000
  function setup() {
    const clock = fakeClock()
    const sent: LimitReport[] = []
    const topic = {
      publish: async (report: LimitReport) => void sent.push(report),
      subscribe: () => () => undefined,
    }
    const headroom = createHeadroom({ clock, principal: () => principal, topic })
    const resetAtMs = clock.now() + hour
    const answered = (remaining: number) =>
      headroom.answered({ method: 'GET', limit: { remaining, limit: 5_000, resetAtMs } })
    const report = (change: Partial<LimitReport> = {}, from = 'peer') =>
      headroom.heard(
        { v: 1, principal, remaining: 10, limit: 5_000, resetAtMs, at: 0, ...change },
        from,
      )
    return { clock, sent, headroom, answered, report, resetAtMs }
  }
  const takes = ({ headroom }: ReturnType<typeof setup>) => headroom.allow('intake').is === 'go'

  it('believes the lowest that peers of the same principal can have seen', async () => {
    const it = setup()
    it.answered(1_000)
    await it.clock.advance(60_000)
    it.report({ principal: 'user:other@github.test' })
    expect(it.headroom.limit()).toMatchObject({ remaining: 1_000 })
    it.report({ remaining: 300 })
    expect(it.headroom.limit()).toMatchObject({ remaining: 300 })
    expect(takes(it)).toBe(false)
    it.answered(290)
    it.report({ remaining: 4_000 })
    expect(it.headroom.limit()).toMatchObject({ remaining: 290 })
  })

  it('does not believe what cannot be, and looks for itself in doubt', async () => {
    const it = setup()
    it.answered(4_900)
    await it.clock.advance(1_000)
    it.report({ remaining: 0 })
    expect(takes(it)).toBe(true)
    for (const change of [{ resetAtMs: it.resetAtMs + 3 * hour }, { limit: 0 }, { remaining: 9e9 }])
      it.report(change)
    expect(takes(it)).toBe(true)
    // A peer that says so again and again makes this agent look, and the answer counts.
    await it.clock.advance(6 * 60_000)
    it.report({ remaining: 0 })
    expect(takes(it)).toBe(false)
    expect(it.headroom.doubts()).toBe(true)
    it.answered(4_800)
    expect(takes(it)).toBe(true)
    expect(it.headroom.doubts()).toBe(false)
  })

  it('lets a report die, and a liar brake half of the time at most', async () => {
    const it = setup()
    it.report({ remaining: 0 })
    expect(takes(it)).toBe(false)
    await it.clock.advance(2 * 60_000)
    expect(takes(it)).toBe(true)
    let braked = 0
    for (let n = 0; n < 60; n += 1) {
      it.report({ remaining: 5_000, brakeUntilMs: it.clock.now() + 24 * hour })
      if (!takes(it)) braked += 1
      expect(it.headroom.allow('publication').is).toBe('go')
      await it.clock.advance(60_000)
    }
    expect(braked).toBeGreaterThan(0)
    expect(braked).toBeLessThanOrEqual(32)
  })

  it('lets many liars together brake no more than one', async () => {
    const it = setup()
    let braked = 0
    for (let n = 0; n < 240; n += 1) {
      // Each begins when the one before is not believed any more.
      const until = it.clock.now() + 24 * hour
      it.report({ remaining: 5_000, brakeUntilMs: until }, `peer ${Math.floor(n / 5)}`)
      if (!takes(it)) braked += 1
      await it.clock.advance(60_000)
    }
    expect(braked).toBeGreaterThan(0)
    expect(braked).toBeLessThanOrEqual(125)
  })

  it.each([-3, 3])('goes by GitHub’s clock when the own is %i hours off', async (hours) => {
    const it = setup()
    const dateMs = it.clock.now() + hours * hour
    const limit = { remaining: 0, limit: 5_000, resetAtMs: dateMs + hour / 2 }
    it.headroom.answered({ method: 'GET', limit, dateMs })
    const resetAtMs = it.clock.now() + hour / 2
    expect(it.headroom.allow('publication')).toMatchObject({ is: 'wait', untilMs: resetAtMs })
    expect(it.headroom.limit()).toMatchObject({ resetAtMs })
    // What is told is GitHub's time, which means the same to all.
    expect(it.sent).toMatchObject([{ resetAtMs: limit.resetAtMs }])
    await it.clock.advance(hour / 2)
    expect(it.headroom.allow('publication').is).toBe('go')
    it.report({ remaining: 0, resetAtMs: limit.resetAtMs + hour })
    expect(it.headroom.allow('intake')).toMatchObject({ untilMs: resetAtMs + hour })
  })

  it('tells of a pause at once, of the rest now and then', async () => {
    const { sent, headroom, answered, clock } = setup()
    for (let n = 0; n < 100; n += 1) answered(5_000 - n)
    expect(sent).toHaveLength(1)
    const brakeUntilMs = clock.now() + 60_000
    headroom.answered({ method: 'POST', brakeUntilMs })
    expect(sent).toHaveLength(2)
    expect(sent[1]).toMatchObject({ principal, remaining: 4_901, brakeUntilMs })
    await clock.advance(15_000)
    answered(4_800)
    expect(sent).toHaveLength(3)
  })

  it('counts points and creations in windows that slide', async () => {
    const it = setup()
    for (let n = 0; n < 70; n += 1) it.headroom.answered({ method: 'POST' })
    expect(takes(it)).toBe(false)
    await it.clock.advance(62_000)
    expect(takes(it)).toBe(true)
    const hosts = [
      'https://api.github.com',
      'https://api.octo.ghe.com',
      'http://127.0.0.1:1/api/v3',
    ]
    expect(hosts.map(limitsBursts)).toEqual([true, true, false])
    expect(limitsBursts('https://notgithub.com/api/v3')).toBe(false)
  })
})
