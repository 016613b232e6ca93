import { describe, expect, it } from 'vitest'
import { mayClaim, type DecideInput, type Tip } from '../../../src/tasks/claim/decide.ts'
import { mintRecord, type ClaimRecord, type ClaimState } from '../../../src/tasks/claim/record.ts'

const oid = 'a'.repeat(40)
const tip = (state: ClaimState, change: Partial<ReturnType<typeof mintRecord>> = {}): Tip => ({
  is: 'record',
  oid,
  record: {
    ...mintRecord({
      repo: 'octo/lib',
      issue: 7,
      state,
      attempt: 2,
      strikes: 1,
      peerId: 'peer',
      name: 'ada',
      incarnation: '0'.repeat(32),
      login: 'ada',
      leaseMs: 60_000,
      previous: null,
    }),
    ...change,
  },
})
const decide = (input: Partial<DecideInput>) =>
  mayClaim({
    tip: { is: 'absent' },
    sighting: undefined,
    now: 1_000_000,
    marginMs: 5_000,
    maxAttempts: 3,
    self: 'me',
    abandoned: () => false,
    ...input,
  })

describe('mayClaim', () => {
  it('takes a free issue as attempt 1', () => {
    expect(decide({})).toEqual({
      may: true,
      attempt: 1,
      strikes: 0,
      previous: null,
      takeover: false,
      exhausted: false,
    })
  })

  it.each(['released', 'yielded'] as const)('goes on after %s, keeping the strikes', (state) => {
    expect(decide({ tip: tip(state) })).toMatchObject({
      may: true,
      attempt: 3,
      strikes: 1,
      previous: oid,
      takeover: false,
    })
  })

  it.each(['failed', 'cancelled'] as const)(
    'starts afresh after %s, since a person wants it again',
    (state) => {
      expect(decide({ tip: tip(state, { strikes: 3 }) })).toMatchObject({
        may: true,
        strikes: 0,
        exhausted: false,
      })
    },
  )

  it('never touches what was published', () => {
    expect(decide({ tip: tip('done') })).toMatchObject({ may: false, why: 'final' })
  })

  it('never claims over something that is no record', () => {
    const invalid: Tip = { is: 'invalid', oid, why: 'garbage' }
    expect(
      decide({ tip: invalid, sighting: { oid, since: 0 }, abandoned: () => true }),
    ).toMatchObject({ may: false, why: 'invalid' })
  })

  it('takes over only what it has seen unchanged for the lease and the margin', () => {
    const held = tip('held')
    expect(decide({ tip: held })).toMatchObject({ may: false, why: 'held' })
    expect(decide({ tip: held, sighting: { oid, since: 1_000_000 - 64_999 } })).toMatchObject({
      may: false,
    })
    expect(decide({ tip: held, sighting: { oid: 'b'.repeat(40), since: 0 } })).toMatchObject({
      may: false,
    })
    expect(decide({ tip: held, sighting: { oid, since: 1_000_000 - 65_000 } })).toMatchObject({
      may: true,
      takeover: true,
      strikes: 2,
      attempt: 3,
    })
  })

  it('claims at once what an earlier run of this agent left behind', () => {
    expect(decide({ tip: tip('held'), abandoned: () => true })).toMatchObject({
      may: true,
      takeover: true,
      strikes: 2,
    })
  })

  it('is wished for anew once: whichever attempt follows uses the wish up, also one that never saw it', () => {
    const wish = { comment: 24, attempt: 2 }
    const at = (state: ClaimState, more: Partial<ClaimRecord> = {}) =>
      decide({ tip: tip(state, more), retry: wish })
    expect(at('done', { attempt: 2, command: 22 })).toMatchObject({ may: true, attempt: 3 })
    expect(at('done', { attempt: 3, command: 22 })).toMatchObject({ may: false, why: 'final' })
    expect(at('done', { attempt: 2, command: 24 })).toMatchObject({ may: false, why: 'final' })
    expect(at('held', { attempt: 2 })).toMatchObject({ may: false, why: 'held' })
  })

  describe('handed on', () => {
    const handed = tip('handed', { to: { peerId: 'me', incarnation: '1'.repeat(32) } })

    it('is claimed at once by the one that it names', () => {
      expect(decide({ tip: handed })).toEqual({
        may: true,
        attempt: 3,
        strikes: 1,
        previous: oid,
        takeover: false,
        exhausted: false,
      })
    })

    it('is held to all others, who take over only after the lease and the margin', () => {
      const other = (input: Partial<DecideInput>) =>
        decide({ tip: handed, self: 'third', ...input })
      expect(other({})).toMatchObject({ may: false, why: 'held' })
      expect(other({ retry: { comment: 5, attempt: 99 } })).toMatchObject({
        may: false,
        why: 'held',
      })
      expect(other({ sighting: { oid, since: 1_000_000 - 64_999 } })).toMatchObject({ may: false })
      expect(other({ sighting: { oid, since: 1_000_000 - 65_000 } })).toMatchObject({
        may: true,
        takeover: true,
        strikes: 2,
      })
    })

    it('is not claimed by the one that handed it on, though its record is its own', () => {
      expect(decide({ tip: handed, self: 'peer' })).toMatchObject({ may: false, why: 'held' })
    })

    it('… also when what became of it was not known, and the record before is left behind', () => {
      const left = { tip: handed, self: 'peer', abandoned: () => true }
      expect(decide(left)).toMatchObject({ may: false, why: 'held' })
      expect(decide({ ...left, sighting: { oid, since: 1_000_000 - 65_000 } })).toMatchObject({
        may: true,
        takeover: true,
      })
    })
  })

  it('says that the attempts are used up', () => {
    expect(decide({ tip: tip('held', { strikes: 2 }), abandoned: () => true })).toMatchObject({
      may: true,
      exhausted: true,
    })
    expect(decide({ tip: tip('released', { strikes: 3 }) })).toMatchObject({
      may: true,
      exhausted: true,
    })
  })
})
