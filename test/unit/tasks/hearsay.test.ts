/** What peers say of claims spares questions, and can only delay; when claim refs are read without a claim in view. */
import { describe, expect, it } from 'vitest'
import type { Tip } from '../../../src/tasks/claim/decide.ts'
import { createHearsay } from '../../../src/tasks/look/hearsay.ts'
import { mustRead, nextTakeover } from '../../../src/tasks/look/sightings.ts'
import { fakeClock } from '../mesh/fake-clock.ts'

const repo = 'octo/lib'
const holdMs = 300_000

describe('a word about a claim', () => {
  const setup = () => {
    const clock = fakeClock()
    const here = new Set(['ada', 'bo'])
    const said = createHearsay({ holdMs, limit: 100 }, { clock, isHere: (one) => here.has(one) })
    const say = (event: 'claimed' | 'released' | 'done', from = 'ada') =>
      said.heard({ repo, issue: 7, event }, from)
    return { clock, here, said, say, holds: () => said.holds(repo, 7) }
  }

  it('counts while its peer is connected, until it lets go', async () => {
    const { clock, here, say, holds } = setup()
    say('claimed')
    await clock.advance(100_000)
    expect(holds()).toBe(true)
    say('done')
    expect(holds()).toBe(true)
    say('released')
    expect(holds()).toBe(false)
    say('claimed', 'bo')
    here.delete('bo')
    expect(holds()).toBe(true)
    await clock.advance(5_000)
    expect(holds()).toBe(false)
  })

  it('ends in time however often it is said', async () => {
    const { clock, say, holds } = setup()
    let held = 0
    for (let n = 0; n < 60; n += 1) {
      say('claimed')
      if (holds()) held += 1
      await clock.advance(10_000)
    }
    // 600 s: held for 300, then for a few seconds each time.
    expect(held).toBeLessThan(60)
    say('claimed')
    await clock.advance(5_000)
    expect(holds()).toBe(false)
  })

  it('lasts as long as looks of one’s own are apart, which depends on the mesh', async () => {
    const clock = fakeClock()
    let lookMs = holdMs
    const init = { holdMs: () => lookMs, limit: 100 }
    const said = createHearsay(init, { clock, isHere: () => true })
    said.heard({ repo, issue: 7, event: 'claimed' }, 'ada')
    lookMs = 2 * holdMs
    await clock.advance(holdMs)
    expect(said.holds(repo, 7)).toBe(true)
    await clock.advance(holdMs)
    expect(said.holds(repo, 7)).toBe(false)
  })

  it('calls for a look, once, when its peer is gone', async () => {
    const { clock, here, said, say } = setup()
    say('claimed')
    await clock.advance(5_000)
    expect(said.orphaned(repo)).toBe(false)
    here.delete('ada')
    expect(said.orphaned('octo/other')).toBe(false)
    expect([said.orphaned('Octo/Lib'), said.orphaned(repo)]).toEqual([true, false])
  })

  it('is spent when the ref was read after it', async () => {
    const { clock, said, say, holds } = setup()
    const before = clock.monotonic()
    await clock.advance(1_000)
    say('claimed')
    said.know(repo, 7, before)
    expect(holds()).toBe(true)
    said.know(repo, 7, clock.monotonic())
    expect(holds()).toBe(false)
    say('claimed')
    await clock.advance(5_000)
    expect(holds()).toBe(false)
  })
})

describe('the refs', () => {
  const leaseMs = 60_000
  const tip = (state: string) =>
    ({ is: 'record', oid: 'a', record: { state, leaseMs, peerId: 'ada' } }) as Tip
  const at = (change: Partial<Parameters<typeof mustRead>[0]>) =>
    mustRead({
      seen: { tip: tip('held'), readAt: 100_000 },
      now: 110_000,
      changedAt: 50_000,
      isAssigned: true,
      awaySince: undefined,
      isSuspect: false,
      pollMs: 30_000,
      safetyMs: 300_000,
      ...change,
    })

  it('are read for who is assigned, for what changed, and for holders that are gone', () => {
    expect(at({})).toBe(false)
    expect(at({ seen: undefined })).toBe(true)
    expect(at({ seen: undefined, isAssigned: false })).toBe(false)
    expect(at({ changedAt: 105_000 })).toBe(true)
    expect(at({ changedAt: 105_000, seen: { tip: { is: 'absent' }, readAt: 100_000 } })).toBe(true)
    expect(at({ awaySince: 105_000 })).toBe(true)
    expect(at({ awaySince: 90_000 })).toBe(false)
    expect(at({ awaySince: 90_000, now: 121_000 })).toBe(true)
    expect(at({ awaySince: 105_000, seen: { tip: tip('done'), readAt: 100_000 } })).toBe(false)
  })

  it('are read again where nobody tells what becomes of them', () => {
    expect(at({ now: 399_999 })).toBe(false)
    expect(at({ now: 400_000 })).toBe(true)
    expect(at({ now: 400_000, seen: { tip: tip('done'), readAt: 100_000 } })).toBe(false)
    const invalid = { tip: { is: 'invalid', oid: 'a', why: 'x' } as Tip, readAt: 100_000 }
    expect(at({ seen: invalid, isSuspect: true, now: 129_999 })).toBe(false)
    expect(at({ seen: invalid, isSuspect: true, now: 130_000 })).toBe(true)
  })

  it('are read once more for who is assigned without a claim: a replica may have lagged', () => {
    const tips: Tip[] = [{ is: 'absent' }, tip('released'), tip('failed')]
    for (const seen of tips.map((old) => ({ tip: old, readAt: 100_000 }))) {
      expect(at({ seen, changedAt: 90_000, now: 149_999 })).toBe(false)
      expect(at({ seen, changedAt: 90_000, now: 150_000 })).toBe(true)
      expect(at({ seen, changedAt: 90_000, now: 150_000, isAssigned: false })).toBe(false)
      // A minute after the change was noticed it is known for good.
      expect(at({ seen, changedAt: 40_000, now: 900_000 })).toBe(false)
    }
  })

  it('tell when the next record can be taken over', () => {
    const sightings = new Map([1, 2, 3].map((n) => [n, { oid: 'a', since: n * 1_000 }]))
    const records = new Map([
      [1, tip('done')],
      [2, tip('held')],
      [3, tip('held')],
    ]) as never
    expect(nextTakeover({ sightings, records }, 0, 5_000)).toBe(67_000)
    expect(nextTakeover({ sightings, records }, 67_000, 5_000)).toBe(68_000)
    expect(nextTakeover({ sightings, records }, 68_000, 5_000)).toBe(Infinity)
  })
})
