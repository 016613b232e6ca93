/** When a token is renewed, and what is used meanwhile. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoff, createRenewing, decide, renewalTime } from '../../../src/secrets/renewing.ts'
import { Secret } from '../../../src/secrets/index.ts'
import { nullLogger } from '../../../src/util/index.ts'
import { fakeClock } from '../mesh/fake-clock.ts'

const HOUR = 60 * 60_000
const MINUTE = 60_000

describe('renewalTime', () => {
  it('is at most five minutes and at least two and a half before the end of an hour', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (random) => {
        const lead = HOUR - renewalTime(0, HOUR, random)
        expect(lead).toBeLessThanOrEqual(5 * MINUTE)
        expect(lead).toBeGreaterThanOrEqual(2.5 * MINUTE)
      }),
    )
  })
  it('leaves a short life most of its time', () => {
    expect(renewalTime(0, 8 * MINUTE, 0)).toBe(6 * MINUTE)
  })
})

describe('backoff', () => {
  it('doubles up to a minute, and at least halves by chance', () => {
    expect([1, 2, 3, 7, 8, 1_000].map((n) => backoff(n, 0))).toEqual([
      1_000, 2_000, 4_000, 60_000, 60_000, 60_000,
    ])
    expect(backoff(1, 1)).toBe(500)
  })
})

describe('decide', () => {
  const held = { expiresAtMs: HOUR, renewAtMs: HOUR - 4 * MINUTE }
  it.each([
    ['nothing is there', { nowMs: 0, held: undefined, mayRenew: true }, 'renew'],
    ['nothing is there, after a failure', { nowMs: 0, held: undefined, mayRenew: false }, 'fail'],
    ['it is young', { nowMs: 0, held, mayRenew: true }, 'use'],
    ['it is time', { nowMs: held.renewAtMs, held, mayRenew: true }, 'both'],
    ['it is time, after a failure', { nowMs: held.renewAtMs, held, mayRenew: false }, 'use'],
    ['a call may outlive it', { nowMs: HOUR - MINUTE, held, mayRenew: true }, 'renew'],
    ['a call may outlive it, after a failure', { nowMs: HOUR - 1, held, mayRenew: false }, 'use'],
    ['it has ended', { nowMs: HOUR, held, mayRenew: true }, 'renew'],
    ['it has ended, after a failure', { nowMs: HOUR, held, mayRenew: false }, 'fail'],
  ] as const)('when %s', (_when, at, step) => {
    expect(decide(at)).toBe(step)
  })
})

/** A source of numbered tokens on a clock; `outcome` is asked for each. */
function rig(outcome: () => Promise<void> = async () => undefined) {
  const clock = fakeClock()
  let made = 0
  let asked = 0
  const renewing = createRenewing(
    {
      what: 'the token',
      obtain: async () => {
        asked += 1
        await outcome()
        made += 1
        return { token: new Secret(`t${made}`), expiresAtMs: clock.now() + HOUR, permissions: {} }
      },
    },
    { logger: nullLogger, clock, random: () => 0 },
  )
  const get = async () => (await renewing.get(undefined)).token.reveal()
  return { clock, renewing, get, asked: () => asked }
}

describe('a renewed token', () => {
  it('is obtained once for all who ask at the same time', async () => {
    const { get, asked } = rig()
    expect(await Promise.all([get(), get(), get()])).toEqual(['t1', 't1', 't1'])
    expect(asked()).toBe(1)
  })

  it('is replaced while the old one goes on being used', async () => {
    const { clock, get } = rig()
    await get()
    await clock.advance(HOUR - 5 * MINUTE - 1)
    expect(await get()).toBe('t1')
    await clock.advance(1)
    expect(await get()).toBe('t1')
    await clock.advance(1)
    expect(await get()).toBe('t2')
  })

  it('is used until its end while renewals fail, each after a longer pause', async () => {
    let fails = false
    const { clock, get, asked, renewing } = rig(async () => {
      if (fails) throw new Error('GitHub is away')
    })
    await get()
    fails = true
    await clock.advance(HOUR - 5 * MINUTE)
    const before = asked()
    for (let second = 0; second < 60; second += 1) {
      expect(await get()).toBe('t1')
      await clock.advance(1_000)
    }
    // At 0, 1, 3, 7, 15 and 31 s.
    expect(asked() - before).toBe(6)
    expect(renewing.status().error).toBe('GitHub is away')
    await clock.advance(4 * MINUTE)
    await expect(get()).rejects.toThrow('GitHub is away')
    // The pause after a failure holds also when there is no token: no storm of attempts.
    const failed = asked()
    await expect(get()).rejects.toThrow('GitHub is away')
    expect(asked()).toBe(failed)
    fails = false
    await clock.advance(MINUTE)
    expect(await get()).toBe('t2')
    expect(renewing.status()).toEqual({ expiresAtMs: clock.now() + HOUR, error: null })
  })

  it('gives up a renewal that does not answer, and lets a caller leave before', async () => {
    const { clock, renewing, get } = rig(() => new Promise(() => undefined))
    const leaving = new AbortController()
    const left = renewing.get(leaving.signal)
    const stayed = get()
    leaving.abort()
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    const outcome = expect(stayed).rejects.toMatchObject({ code: 'DEADLINE' })
    await clock.advance(30_000)
    await outcome
  })

  it('is replaced at once when it is refused, and not because of an older refusal', async () => {
    const { clock, renewing, get } = rig()
    await get()
    await clock.advance(MINUTE)
    expect(await renewing.refused('t1', undefined)).toBe(true)
    expect(await get()).toBe('t2')
    await clock.advance(MINUTE)
    expect(await renewing.refused('t1', undefined)).toBe(true)
    expect(await get()).toBe('t2')
  })

  it('is given another try in the first seconds of its life', async () => {
    const { clock, renewing, get, asked } = rig()
    await get()
    const again = renewing.refused('t1', undefined)
    await clock.advance(1_000)
    expect(await again).toBe(true)
    expect(asked()).toBe(1)
  })
})
