/** GitHub down: when it counts as that, and how a mesh comes back without a stampede. */
import { describe, expect, it } from 'vitest'
import { createHeadroom } from '../../../src/tasks/github/headroom.ts'
import {
  afterFailure,
  createOutage,
  maxProbeMs,
  reachable,
} from '../../../src/tasks/github/outage.ts'
import { observed, reachableOf } from '../../../src/tasks/github/reach.ts'
import { TasksError } from '../../../src/tasks/errors.ts'
import { fakeClock } from '../mesh/fake-clock.ts'

const repo = 'octo/lib'
const failure = (change: object = {}) => ({
  reason: 'no answer',
  now: 1_000,
  wall: 5_000,
  pauseMs: 30_000,
  random: 0.5,
  ...change,
})

describe('the state', () => {
  it('is down after failures in a row, keeps its beginning, and probes ever more rarely', () => {
    const once = afterFailure(reachable, failure())
    expect(once).toEqual({ is: 'up', failures: 1 })
    let reach = afterFailure(once, failure())
    expect(reach).toMatchObject({ is: 'down', since: 5_000, tries: 0, probeAt: 31_000 })
    const pauses: number[] = []
    for (let n = 0; n < 8; n += 1) {
      reach = afterFailure(reach, failure({ now: 0, wall: 9_999 }))
      if (reach.is === 'down') pauses.push(reach.probeAt)
    }
    expect(reach).toMatchObject({ since: 5_000 })
    expect(pauses.slice(0, 3)).toEqual([60_000, 120_000, 240_000])
    expect(pauses.at(-1)).toBe(maxProbeMs)
  })

  it('waits for the time that GitHub names, within a bound', () => {
    const at = (resetAtMs: number) => {
      const reach = afterFailure({ is: 'up', failures: 1 }, failure({ resetAtMs, now: 0, wall: 0 }))
      return reach.is === 'down' ? reach.probeAt : 0
    }
    expect(at(10 * 60_000)).toBeCloseTo(10 * 60_000 * 1.05)
    expect(at(9e12)).toBeCloseTo(15 * 60_000 * 1.05)
  })
})

describe('the room', () => {
  const setup = (random: () => number = () => 0.5) => {
    const clock = fakeClock()
    let changes = 0
    const onChange = () => void (changes += 1)
    const outage = createOutage({ pauseMs: 30_000, onChange }, { clock, random })
    return { clock, outage, changes: () => changes }
  }

  it('lets one probe through at a time, and everything after an answer', async () => {
    const { clock, outage, changes } = setup()
    outage.answered('api')
    outage.failed('api', 'no answer')
    expect(outage.mayAsk(repo)).toBe(true)
    outage.failed('api', 'no answer')
    expect(outage.down()).toEqual({ since: clock.now(), reason: 'no answer' })
    expect([repo, 'octo/other'].map((one) => outage.mayAsk(one))).toEqual([false, false])
    await clock.advance(30_000)
    expect([repo, 'octo/other'].map((one) => outage.mayAsk(one))).toEqual([true, false])
    outage.answered('api')
    expect(outage.down()).toBeNull()
    expect(outage.mayAsk('octo/other')).toBe(true)
    expect(changes()).toBe(2)
  })

  it('is down from the first failure of an API that never answered', () => {
    const { outage } = setup()
    outage.failed('api', 'no answer')
    expect(outage.down()).toMatchObject({ reason: 'no answer' })
  })

  it('takes the git of one repository for that repository alone', () => {
    const { outage } = setup()
    outage.answered('git octo/other')
    for (let n = 0; n < 3; n += 1) outage.failed(`git ${repo}`, 'refused')
    expect(outage.mayAsk(repo)).toBe(false)
    expect(outage.mayAsk('octo/other')).toBe(true)
    expect(outage.down()).toBeNull()
    expect(outage.down(repo)).not.toBeNull()
    for (let n = 0; n < 3; n += 1) outage.failed('git octo/other', 'refused')
    expect(outage.down()).not.toBeNull()
  })

  it('spreads the probes of 50 agents, also after a sign that it is back', () => {
    const clock = fakeClock()
    let seed = 1
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
    const all = Array.from({ length: 50 }, () =>
      createOutage({ pauseMs: 30_000, onChange: () => undefined }, { clock, random }),
    )
    for (const one of all) for (let n = 0; n < 6; n += 1) one.failed('api', 'no answer')
    const busiest = async (spanMs: number) => {
      let most = 0
      for (let t = 0; t < spanMs; t += 1_000) {
        await clock.advance(1_000)
        most = Math.max(most, all.filter((one) => one.mayAsk(repo)).length)
      }
      return most
    }
    return busiest(60_000).then(async (early) => {
      expect(early).toBe(0)
      for (const one of all) one.hint(30_000)
      const most = await busiest(31_000)
      expect(most).toBeGreaterThan(0)
      expect(most).toBeLessThan(10)
    })
  })

  it('hears of each call, and says what people are to know', () => {
    const { outage, clock } = setup()
    const headroom = createHeadroom({ clock, principal: () => null })
    const answer = observed(outage, headroom)
    const away = new TasksError('GITHUB_UNREACHABLE', 'no answer')
    const resetAtMs = clock.now() + 60_000
    expect(reachableOf(outage, headroom)).toEqual({ is: 'ok' })
    answer({ method: 'GET', limit: { remaining: 1_000, limit: 5_000, resetAtMs } })
    expect(reachableOf(outage, headroom)).toMatchObject({ is: 'slow', takesWork: true })
    answer({ method: 'GET', limit: { remaining: 100, limit: 5_000, resetAtMs } })
    expect(reachableOf(outage, headroom)).toMatchObject({
      is: 'slow',
      takesWork: false,
      untilMs: resetAtMs,
    })
    answer({ method: 'GET', error: away })
    answer({ method: 'GET', error: new TasksError('GITHUB_NOT_FOUND', 'absent') })
    answer({ method: 'GET', error: away })
    expect(outage.down()).toBeNull()
    answer({ method: 'GET', error: away })
    expect(reachableOf(outage, headroom)).toMatchObject({ is: 'down', reason: 'no answer' })
  })
})
