import { describe, expect, it } from 'vitest'
import { mayClaim, type Tip } from '../../../src/tasks/claim/decide.ts'
import { mayClaimRound, type DecideRoundInput } from '../../../src/tasks/claim/decide-round.ts'
import type { Retry } from '../../../src/tasks/claim/retry.ts'
import { mintRecord, type ClaimState, type Mark } from '../../../src/tasks/claim/record.ts'

const oid = 'a'.repeat(40)
const leaseMs = 10_000
const tip = (state: ClaimState, mark: Mark = {}, strikes = 0): Extract<Tip, { is: 'record' }> => ({
  is: 'record',
  oid,
  record: mintRecord({
    repo: 'octo/lib',
    issue: 7,
    state,
    attempt: 4,
    strikes,
    peerId: 'owl',
    name: 'owl',
    incarnation: '0'.repeat(32),
    login: 'owl',
    leaseMs,
    previous: 'b'.repeat(40),
    ...mark,
  }),
})
const decide = (of: Partial<DecideRoundInput>) =>
  mayClaimRound({
    tip: tip('done'),
    sighting: undefined,
    now: 100_000,
    marginMs: 5_000,
    maxRounds: 3,
    maxAttempts: 3,
    self: 'owl',
    awaySince: undefined,
    abandoned: () => false,
    ...of,
  })

describe('a round of feedback', () => {
  it('that was handed on is for the one that it names; for others after lease and margin', () => {
    const { oid: _, record } = tip('done', { round: 2, feedback: [] })
    const to = { peerId: 'ada' }
    const handed: Tip = { is: 'record', oid, record: { ...record, state: 'handed', to } }
    expect(decide({ tip: handed, self: 'ada' })).toMatchObject({ may: true, round: 2, strikes: 0 })
    for (const self of ['owl', 'third']) {
      const other = { tip: handed, self, abandoned: () => true }
      expect(decide(other)).toMatchObject({ may: false, why: 'held' })
      const seen = { sighting: { oid, since: 85_000 } }
      expect(decide({ ...other, ...seen })).toMatchObject({ may: true, round: 2, strikes: 1 })
    }
  })

  it('goes on from done, with the next number and attempt', () => {
    expect(decide({})).toEqual({
      may: true,
      attempt: 5,
      round: 1,
      strikes: 0,
      previous: oid,
      takeover: false,
      exhausted: false,
    })
    expect(decide({ tip: tip('done', { round: 2 }, 1) })).toMatchObject({ round: 3, strikes: 0 })
  })

  it('is the owner’s; its heir’s only when the owner is gone for lease and margin', () => {
    const heir = { self: 'ada' }
    expect(decide(heir)).toMatchObject({ may: false, why: 'owned' })
    expect(decide({ ...heir, awaySince: 85_001 })).toMatchObject({ may: false, why: 'owned' })
    expect(decide({ ...heir, awaySince: 85_000 })).toMatchObject({ may: true, round: 1 })
  })

  it('ends after as many as there may be, until a person asks', () => {
    const last = tip('done', { round: 3, command: 5 })
    expect(decide({ tip: last })).toMatchObject({ may: false, why: 'used-up' })
    expect(decide({ tip: last, retry: { comment: 5, attempt: 99 } })).toMatchObject({
      may: false,
      why: 'used-up',
    })
    expect(decide({ tip: last, retry: { comment: 6, attempt: 99 } })).toMatchObject({
      may: true,
      round: 1,
    })
  })

  it('is taken over as any claim, with its number and a strike more', () => {
    const held = tip('held', { round: 2 }, 1)
    expect(decide({ tip: held, self: 'ada' })).toMatchObject({ may: false, why: 'held' })
    const young = { oid, since: 85_001 }
    expect(decide({ tip: held, self: 'ada', sighting: young }).may).toBe(false)
    const old = { oid, since: 85_000 }
    expect(decide({ tip: held, self: 'ada', sighting: old })).toMatchObject({
      may: true,
      round: 2,
      strikes: 2,
      takeover: true,
      exhausted: false,
    })
    expect(decide({ tip: held, abandoned: () => true })).toMatchObject({ may: true, round: 2 })
    const third = tip('held', { round: 2 }, 2)
    expect(decide({ tip: third, sighting: old })).toMatchObject({ exhausted: true })
  })

  it.each(['released', 'cancelled', 'yielded'] as const)('goes on where it was %s', (state) => {
    const left = { tip: tip(state, { round: 2 }), self: 'ada' }
    expect(decide(left)).toMatchObject({ may: true, round: 2 })
    expect(decide({ tip: tip(state), self: 'ada' })).toMatchObject({ may: false })
  })

  it('is none where nothing was published', () => {
    expect(decide({ tip: { is: 'absent' } })).toMatchObject({ why: 'unpublished' })
    expect(decide({ tip: { is: 'invalid', oid, why: 'x' } })).toMatchObject({ may: false })
    expect(decide({ tip: tip('failed') })).toMatchObject({ may: false })
    expect(decide({ tip: tip('held') })).toMatchObject({ may: false, why: 'held' })
  })

  it('is never an issue’s first work, whatever became of it', () => {
    const first = (at: Tip, retry?: Retry) =>
      mayClaim({
        tip: at,
        sighting: { oid, since: 0 },
        now: 100_000,
        marginMs: 5_000,
        maxAttempts: 3,
        self: 'me',
        abandoned: () => true,
        ...(retry === undefined ? {} : { retry }),
      })
    for (const state of ['held', 'released', 'cancelled', 'yielded', 'done'] as const)
      expect(first(tip(state, { round: 1 }))).toMatchObject({ may: false })
    expect(first(tip('done', {}), { comment: 8, attempt: 99 })).toMatchObject({
      may: true,
      attempt: 5,
      strikes: 0,
    })
    expect(first(tip('done', { command: 8 }), { comment: 8, attempt: 99 })).toMatchObject({
      may: false,
    })
    expect(first(tip('held', { round: 1 }), { comment: 8, attempt: 99 })).toMatchObject({
      may: false,
      why: 'held',
    })
  })
})
