import { describe, expect, it } from 'vitest'
import { allowed, PermitSource, standing, whileAllowed } from '../../../src/util/index.ts'
import { fakeClock } from '../mesh/fake-clock.ts'

describe('a standing clock', () => {
  it('does not count the time for which the permit is frozen', async () => {
    const clock = fakeClock()
    const permit = new PermitSource(clock)
    const own = standing(clock, permit)
    const began = own.monotonic()
    let rang = 0
    own.after(100, () => (rang += 1))
    await clock.advance(60)
    permit.freeze()
    await clock.advance(10_000)
    expect({ rang, passed: own.monotonic() - began }).toEqual({ rang: 0, passed: 60 })
    permit.thaw()
    await clock.advance(39)
    expect(rang).toBe(0)
    await clock.advance(1)
    expect(rang).toBe(1)
    expect(permit.frozenMs()).toBe(10_000)
  })

  it('forgets what was cancelled, and holds nothing when all is over', async () => {
    const clock = fakeClock()
    const permit = new PermitSource(clock)
    const own = standing(clock, permit)
    let rang = 0
    permit.freeze()
    own.after(5, () => (rang += 1))()
    own.after(5, () => (rang += 10))
    permit.thaw()
    await clock.advance(5)
    expect({ rang, waiting: clock.waiting }).toEqual({ rang: 10, waiting: 0 })
  })
})

describe('what needs a permit', () => {
  it('waits for it, or for the end', async () => {
    const permit = new PermitSource(fakeClock())
    permit.freeze()
    const stop = new AbortController()
    const [one, other] = [
      allowed(permit, new AbortController().signal),
      allowed(permit, stop.signal),
    ]
    stop.abort()
    await expect(other).rejects.toMatchObject({ code: 'ABORTED' })
    permit.thaw()
    await expect(one).resolves.toBeUndefined()
  })

  it('is not given when its time is over, though no timer rang yet', () => {
    const clock = fakeClock()
    const permit = new PermitSource(clock)
    permit.extend(clock.monotonic() + 10)
    let told = 0
    permit.watch(() => (told += 1))
    expect(permit.frozen).toBe(false)
    void clock.advance(10)
    permit.extend(clock.monotonic())
    expect(permit.frozen).toBe(true)
    expect(told).toBe(2)
  })

  it('begins anew after a freeze', async () => {
    const permit = new PermitSource(fakeClock())
    let turns = 0
    const result = whileAllowed(permit, new AbortController().signal, async (signal) => {
      turns += 1
      if (turns > 1) return 'done'
      permit.freeze()
      signal.throwIfAborted()
      return 'not aborted'
    })
    await new Promise(setImmediate)
    expect(turns).toBe(1)
    permit.thaw()
    expect(await result).toBe('done')
  })

  it('does not begin a step whose end or freeze came just after the permit', async () => {
    const permit = new PermitSource(fakeClock())
    const stop = new AbortController()
    let turns = 0
    const step = async () => (turns += 1)
    const ended = whileAllowed(permit, stop.signal, step)
    stop.abort()
    await expect(ended).rejects.toMatchObject({ code: 'ABORTED' })
    const frozen = whileAllowed(permit, new AbortController().signal, step)
    permit.freeze()
    await new Promise(setImmediate)
    expect(turns).toBe(0)
    permit.thaw()
    expect(await frozen).toBe(1)
  })
})
