/** Executors that are left alone, and how they come back: with a clock that is set. */
import { describe, expect, it } from 'vitest'
import type { EntryInput, LoggedEntry } from '../../../src/journal/index.ts'
import { nullLogger, systemClock, until } from '../../../src/util/index.ts'
import { createHealth } from '../../../src/work/health/health.ts'
import {
  afterProbe,
  afterSetback,
  afterWork,
  fresh,
  type Standing,
} from '../../../src/work/health/standing.ts'

const minute = 60_000
const environment = (now: number, about?: string) =>
  ({
    why: 'environment',
    reason: 'no sandbox',
    now,
    ...(about === undefined ? {} : { about }),
  }) as const
const quota = (now: number, retryAt?: number) =>
  ({
    why: 'quota',
    reason: 'none left',
    now,
    ...(retryAt === undefined ? {} : { retryAt }),
  }) as const

describe('a standing', () => {
  it('is away after the second failure in a row for the environment’s sake', () => {
    const once = afterSetback(fresh, environment(0))
    expect(once).toMatchObject({ is: 'ok', failures: 1 })
    expect(afterSetback(once, environment(5))).toMatchObject({ is: 'away', untilMs: minute + 5 })
    expect(afterSetback(afterWork(), environment(9))).toMatchObject({ is: 'ok' })
  })

  it('counts one and the same thing once', () => {
    const once = afterSetback(fresh, environment(0, 'octo/lib#7'))
    const again = afterSetback(once, environment(1, 'octo/lib#7'))
    expect(again).toMatchObject({ is: 'ok', failures: 1 })
    expect(afterSetback(again, environment(2, 'octo/lib#8')).is).toBe('away')
  })

  it('is away at once for want of quota, until the model’s own time, within a day', () => {
    expect(afterSetback(fresh, quota(0, 9 * minute))).toMatchObject({ untilMs: 9 * minute })
    expect(afterSetback(fresh, quota(0, 99 * 60 * minute))).toMatchObject({
      untilMs: 24 * 60 * minute,
    })
    expect(afterSetback(fresh, quota(minute, 0))).toMatchObject({ untilMs: 6 * minute })
  })

  it('stays away twice as long each time, up to an hour', () => {
    let standing: Standing = afterSetback(afterSetback(fresh, environment(0)), environment(0))
    const pauses: number[] = []
    for (let turn = 0; turn < 8; turn += 1) {
      const trial = afterProbe(standing, { now: 0, found: turn % 2 === 0 })
      standing = trial.is === 'trial' ? afterSetback(trial, environment(0)) : trial
      if (standing.is === 'away') pauses.push(standing.untilMs / minute)
    }
    expect(pauses).toEqual([2, 4, 8, 16, 32, 60, 60, 60])
  })

  it('is tried with one task when it was found again, and well when that worked', () => {
    const away = afterSetback(fresh, quota(0, minute))
    expect(afterProbe(away, { now: minute, found: true }).is).toBe('trial')
    expect(afterProbe(away, { now: minute, found: false })).toMatchObject({ is: 'away', tries: 1 })
    expect(afterProbe(fresh, { now: 0, found: false })).toEqual(fresh)
  })
})

describe('the executors of an agent', () => {
  function agent(entries: LoggedEntry[] = [], found = () => true) {
    let now = 1_000_000
    const timers: { at: number; fire: () => void }[] = []
    const clock = {
      ...systemClock,
      now: () => now,
      monotonic: () => now,
      after: (ms: number, fire: () => void) => {
        const timer = { at: now + ms, fire }
        timers.push(timer)
        return () => void timers.splice(timers.indexOf(timer), timers.includes(timer) ? 1 : 0)
      },
    }
    const written: EntryInput[] = []
    let changes = 0
    const health = createHealth(
      { names: ['claude', 'codex'], peerId: 'ada' },
      {
        clock,
        logger: nullLogger,
        journal: {
          append: async (entry) => written.push(entry),
          async *read() {
            yield* entries
          },
        },
        probe: async () => found(),
        onChange: () => (changes += 1),
      },
    )
    const pass = (ms: number) => {
      now += ms
      for (const timer of timers.splice(0))
        if (timer.at <= now) timer.fire()
        else timers.push(timer)
    }
    return { health, written, pass, changes: () => changes, now: () => now }
  }

  it('are left alone with a reason, looked at again, and used again', async () => {
    let isThere = false
    const { health, written, pass, changes } = agent([], () => isThere)
    await health.start()
    const failed = () => health.failed('claude', { why: 'environment', reason: 'not signed in' })
    failed()
    expect(health.away('claude')).toBeUndefined()
    failed()
    expect(health.away('claude')).toMatchObject({ why: 'environment', reason: 'not signed in' })
    expect(health.away('codex')).toBeUndefined()
    expect(written).toMatchObject([{ type: 'executor.away', executor: 'claude' }])
    pass(minute)
    await until('the probe', 5_000, () => written.length === 2)
    expect(health.view()).toMatchObject([{ executor: 'claude', is: 'away' }])
    isThere = true
    pass(2 * minute)
    await until('the trial', 5_000, () => health.view()[0]?.is === 'trial')
    expect(health.away('claude')).toBeUndefined()
    health.worked('claude')
    expect(written.at(-1)).toEqual({ type: 'executor.back', executor: 'claude' })
    expect(health.view()).toEqual([])
    expect(changes()).toBe(4)
    await health.stop()
  })

  it('are known after a restart as they stood', async () => {
    const stamp = { v: 1, epoch: 0, seq: 1, time: 900_000, agent: 'ada', peerId: 'ada' }
    const away = (executor: string, untilMs: number) =>
      ({
        type: 'executor.away',
        executor,
        why: 'quota',
        reason: 'none',
        untilMs,
        ...stamp,
      }) as LoggedEntry
    const back = { type: 'executor.back', executor: 'codex', ...stamp } as LoggedEntry
    const { health } = agent([away('claude', 1_300_000), away('codex', 1_300_000), back])
    await health.start()
    expect(health.away('claude')).toMatchObject({ why: 'quota', untilMs: 1_300_000 })
    expect(health.away('codex')).toBeUndefined()
    await health.stop()
    const late = agent([away('claude', 999_999)])
    await late.health.start()
    expect(late.health.away('claude')).toBeUndefined()
    await late.health.stop()
  })
})
