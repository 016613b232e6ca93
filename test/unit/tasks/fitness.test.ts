/** Who tries first: the same order in everybody's eyes, spread by weight, and few attempts for a claim. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/index.ts'
import { chainOf } from '../../../src/tasks/intake/chain.ts'
import type { ClaimRecord } from '../../../src/tasks/claim/record.ts'
import {
  delayOf,
  fitnessOf,
  maxStaggerMs,
  rankAll,
  type RankInput,
} from '../../../src/tasks/intake/fitness.ts'
import type { Candidate } from '../../../src/tasks/intake/intake.ts'

const repo = 'octo/lib'
const candidate = (peerId: string, change: Partial<Candidate> = {}): Candidate => ({
  peerId,
  name: peerId,
  offers: new Set(),
  repositories: [repo],
  freeSlots: 1,
  ...change,
})
const order = (all: Candidate[], change: Partial<RankInput> = {}) => {
  const [self = candidate('none'), ...others] = all
  return rankAll({ self, others, repo, issue: 1, needs: [], failures: new Map(), ...change })
}
const names = (all: Candidate[], change: Partial<RankInput> = {}) =>
  order(all, change).map(({ agent }) => agent)

describe('rankAll', () => {
  const load = fc.record({
    freeSlots: fc.integer({ min: -3, max: 9 }),
    load1: fc.double({ min: -1, max: 1e9, noNaN: true }),
    cores: fc.integer({ min: 0, max: 64 }),
  })

  it('gives every agent another place, the same in everybody’s eyes, whatever is announced', () => {
    const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(
        ids,
        fc.array(load, { minLength: 12, maxLength: 12 }),
        fc.nat(),
        (all, loads, issue) => {
          const known = all.map((id, at) => candidate(id, loads[at]))
          const first = order(known, { issue }).map(({ peerId }) => peerId)
          for (const self of known) {
            const others = known.filter((other) => other !== self).reverse()
            const seen = rankAll({ self, others, repo, issue, needs: [], failures: new Map() })
            expect(seen.map(({ peerId }) => peerId)).toEqual(first)
            expect(seen.map(({ rank }) => rank)).toEqual(known.map((_, at) => at))
          }
        },
      ),
    )
  })

  it('puts those with a free slot first, and leaves out those who cannot, with the reason', () => {
    const all = [
      candidate('a', { freeSlots: 0 }),
      candidate('b'),
      candidate('c', { repositories: ['octo/other'] }),
      candidate('d', { kinds: new Set(['command']) }),
    ]
    expect(order(all, { work: 'prose' })).toMatchObject([
      { agent: 'b', rank: 0, reason: '' },
      { agent: 'a', rank: 1, reason: 'no free slot, after b' },
      { agent: 'c', rank: null, reason: 'does not work octo/lib' },
      { agent: 'd', rank: null, reason: 'has no coding agent' },
    ])
    const able = candidate('g', { offers: new Set(['gpu']), kinds: new Set(['acp']) })
    expect(order([...all, able], { needs: ['gpu'] })[0]).toMatchObject({ agent: 'g', rank: 0 })
    expect(order([able], { work: 'chore' })[0]).toMatchObject({
      rank: null,
      reason: 'runs no chores',
    })
  })

  it('gives twice the weight twice the issues, and takes away from nobody else', () => {
    const all = ['a', 'b', 'c', 'd'].map((id) => candidate(id, { cores: 1, load1: 0 }))
    const slow = [candidate('a', { cores: 1, load1: 1 }), ...all.slice(1)]
    let slowFirst = 0
    for (let issue = 1; issue <= 2_000; issue += 1) {
      const [was, is] = [names(all, { issue })[0], names(slow, { issue })[0]]
      if (is === 'a') slowFirst += 1
      if (was !== 'a') expect(is).toBe(was)
    }
    // Weight 0.5 of 3.5: 286 of 2,000 expected, 16 standard deviation.
    expect(slowFirst).toBeGreaterThan(222)
    expect(slowFirst).toBeLessThan(350)
  })

  it('prefers who did not fail at the issue before', () => {
    const all = ['a', 'b'].map((id) => candidate(id))
    const failures = new Map([['a', 3]])
    let failed = 0
    for (let issue = 1; issue <= 900; issue += 1)
      if (names(all, { issue, failures })[0] === 'a') failed += 1
    expect(failed).toBeGreaterThan(50)
    expect(failed).toBeLessThan(150)
  })

  it('clamps what a liar announces', () => {
    const liar = candidate('l', {
      freeSlots: 1e9,
      slots: 1,
      load1: -5,
      cores: 1e9,
      memory: { free: 1e18, total: 1 },
    })
    expect(fitnessOf(liar, -4).weight).toBe(1)
    expect(fitnessOf(candidate('x', { slots: 0, cores: 0, load1: 9 }), 99).weight).toBe(1 / 8)
    expect(delayOf(1e9, 60_000)).toBe(maxStaggerMs)
  })
})

describe('chainOf', () => {
  const record = (attempt: number, state: ClaimRecord['state'], peerId: string, strikes = 0) =>
    ({ attempt, state, peerId, strikes, login: peerId.toUpperCase() }) as ClaimRecord

  it('counts attempts that ended without a result, not polite hand-backs', () => {
    const { failures, logins } = chainOf([
      record(5, 'held', 'e'),
      record(4, 'released', 'd', 2),
      record(4, 'held', 'd', 2),
      record(3, 'released', 'c', 2),
      record(3, 'held', 'c', 1),
      record(2, 'held', 'b'),
      record(1, 'failed', 'a'),
      record(1, 'held', 'a'),
    ])
    expect([...failures]).toEqual([
      ['c', 1],
      ['b', 1],
      ['a', 1],
    ])
    expect(logins).toEqual(['e', 'd', 'c', 'b', 'a'])
  })
})

/** 20 equal agents; each tries at its time unless it has heard by then. Times in ms. */
describe('attempts for a claim, simulated', () => {
  const agents = 20
  const random = (seed: number) => {
    let state = seed
    return (from: number, to: number) => {
      state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
      return from + ((to - from) * state) / 2 ** 32
    }
  }

  async function simulate(seenWithinMs: number) {
    const { config } = await loadConfig({ env: {}, cwd: '/', systemFile: '/nowhere' })
    const { staggerMs } = config.github.claims
    const between = random(7)
    const all = Array.from({ length: agents }, (_, at) => candidate(`peer-${at}`))
    const issues = 1_000
    let attempts = 0
    let waited = 0
    for (let issue = 1; issue <= issues; issue += 1) {
      const tries = order(all, { issue })
        .map(({ rank }) => {
          const seen = between(0, seenWithinMs)
          return { at: seen + delayOf(rank ?? 0, staggerMs), seen }
        })
        .sort((a, b) => a.at - b.at)
      const first = tries[0]!
      waited += first.at - Math.min(...tries.map(({ seen }) => seen))
      // The hint goes out with the attempt; each of the others gets it 50 to 300 ms later.
      attempts += tries.filter(
        (one) => one === first || one.at < first.at + between(50, 300),
      ).length
    }
    return { perClaim: attempts / issues, meanWaitMs: waited / issues }
  }

  it('needs at most 1.1 when all see an issue at once, and the first hardly waits', async () => {
    const { perClaim, meanWaitMs } = await simulate(300)
    expect(perClaim).toBeLessThanOrEqual(1.1)
    expect(meanWaitMs).toBeLessThan(500)
  })

  it('needs at most 1.1 when each looks in its own time', async () => {
    expect((await simulate(30_000)).perClaim).toBeLessThanOrEqual(1.1)
  })
})
