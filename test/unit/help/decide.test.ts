import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { beginAsking, isSpent, wave, without } from '../../../src/help/decide/asking.ts'
import { guestStep, type GuestState } from '../../../src/help/decide/guest-state.ts'
import { beginOrigin, originStep, type OriginEvent } from '../../../src/help/decide/origin-state.ts'
import { rank, type WhomInput } from '../../../src/help/decide/whom.ts'
import { FAN_OUT, MAX_ASKED, STAGE_MS } from '../../../src/help/limits.ts'
import type { HelpPeer } from '../../../src/help/index.ts'

const peer = (peerId: string, change: Partial<HelpPeer> = {}, used = 0): HelpPeer => ({
  peerId,
  connected: true,
  presence: 'alive',
  capabilities: {
    roles: ['worker'],
    slots: { total: 1, used },
    cpu: { cores: 2, load1: 0 },
    tags: ['gpu'],
  },
  ...change,
})
const input = (peers: HelpPeer[], change: Partial<WhomInput> = {}): WhomInput => ({
  peers,
  needs: ['gpu'],
  seen: new Set(),
  lacks: (needs, { tags = [] }) => needs.filter((need) => !tags.includes(need)),
  past: () => undefined,
  random: () => 0.5,
  ...change,
})

describe('whom to ask', () => {
  it('is the one that can, is free and helped before; with the reason', () => {
    const unable = peer('unable')
    unable.capabilities!.tags = []
    const past = (peerId: string) =>
      peerId === 'good' ? { used: 3, failed: 0 } : peerId === 'bad' ? { used: 0, failed: 3 } : undefined // prettier-ignore
    const peers = [unable, peer('busy', {}, 1), peer('bad'), peer('free'), peer('good')]
    const ranked = rank(input(peers, { past }))
    expect(ranked.map(({ peerId }) => peerId)).toEqual(['good', 'free', 'bad', 'busy', 'unable'])
    expect(ranked[0]?.reason).toBe('has all, 1 of 1 slots free, load 0 of 2, helped 3 of 3 times')
    expect(ranked[4]?.reason).toContain('lacks gpu')
  })

  it('is nobody of the path, nobody that is gone or not connected, nobody that only observes', () => {
    const observer = peer('observer')
    observer.capabilities!.roles = ['observer']
    const peers = [observer, peer('seen'), peer('far', { connected: false }), peer('dead', { presence: 'gone' })] // prettier-ignore
    expect(rank(input(peers, { seen: new Set(['seen']) }))).toEqual([])
  })

  it('may be one that has announced nothing yet', () => {
    const { capabilities: _, ...fresh } = peer('fresh')
    expect(rank(input([fresh])).map(({ peerId }) => peerId)).toEqual(['fresh'])
  })
})

describe('asking in waves', () => {
  it('asks each once, few at a time, and ends', () => {
    const word = fc.record({ at: fc.nat(MAX_ASKED + 2), late: fc.boolean() })
    fc.assert(
      fc.property(fc.nat(12), fc.array(word, { maxLength: 40 }), (count, words) => {
        const all = Array.from({ length: count }, (_, at) => ({ peerId: `p${at}`, score: 0, reason: '' })) // prettier-ignore
        let now = 0
        let asking = beginAsking(all, now)
        const sent: string[] = []
        for (const { at, late } of [{ at: 99, late: false }, ...words]) {
          if (late) now += STAGE_MS
          asking = without(asking, `p${at}`)
          const step = wave(asking, now)
          ;({ asking } = step)
          sent.push(...step.send.map(({ peerId }) => peerId))
          if (!late) expect(step.send.length).toBeLessThanOrEqual(FAN_OUT)
          expect(isSpent(asking)).toBe(asking.next.length + asking.waiting.length === 0)
        }
        expect(new Set(sent).size).toBe(sent.length)
        expect(sent.length).toBeLessThanOrEqual(Math.min(count, MAX_ASKED))
        expect(asking.asked).toEqual(sent)
      }),
    )
  })
})

describe('the origin', () => {
  const by = fc.constantFrom('a', 'b', 'c')
  const event: fc.Arbitrary<OriginEvent> = fc.oneof(
    fc.constant({ is: 'tick' } as const),
    fc.record({ is: fc.constantFrom('unsent' as const, 'declined' as const), by, reason: fc.constant('') }), // prettier-ignore
    fc.record({
      is: fc.constant('offer' as const),
      offer: by.chain((from) =>
        fc.record({
          by: fc.constant(from),
          offer: fc.constant(`o-${from}`),
          fitness: fc.nat(1_000),
          path: fc.constant<string[]>(['me', from]),
          reason: fc.constant(''),
        }),
      ),
    }),
    fc.record({ is: fc.constant('answer' as const), from: by, offer: by.map((one) => `o-${one}`) }),
    fc.record({ is: fc.constant('failed' as const), from: by, reason: fc.constant('') }),
    fc.constant({ is: 'withdraw', reason: '' } as const),
    fc.constant({ is: 'conclude', outcome: 'used', reason: '' } as const),
  )

  it('accepts at most once, answers only for whom it accepted, ends once and by its time', () => {
    const candidates = ['a', 'b', 'c'].map((peerId) => ({ peerId, score: 0, reason: '' }))
    const moves = fc.array(fc.record({ event, ms: fc.constantFrom(0, 10, 1_000, 20_000) }), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(moves, (list) => {
        let now = 0
        let state = beginOrigin(beginAsking(candidates, now), now, 60_000)
        const done: string[] = []
        let accepted: string | undefined
        for (const { event, ms } of list) {
          now += ms
          const before = state.is
          const step = originStep(state, event, now)
          ;({ state } = step)
          for (const action of step.actions) {
            done.push(action.do)
            if (action.do === 'accept') {
              accepted = action.offer.by
              expect(now).toBeLessThan(60_000)
            }
            if (action.do === 'answered') expect(event).toMatchObject({ from: accepted })
          }
          if (before === 'ended') expect(step).toMatchObject({ actions: [], taken: false })
          if (now >= 60_000 && event.is === 'tick')
            expect(['ended', 'answered']).toContain(state.is)
        }
        const times = (what: string) => done.filter((one) => one === what).length
        expect(times('accept')).toBeLessThanOrEqual(1)
        expect(times('answered')).toBeLessThanOrEqual(times('accept'))
        expect(times('end')).toBeLessThanOrEqual(1)
        expect(times('send')).toBeLessThanOrEqual(candidates.length)
      }),
    )
  })
})

describe('a peer that was asked', () => {
  const begun: GuestState = { is: 'considering', endAt: 60_000 }
  const candidates = [{ peerId: 'a', score: 0, reason: '' }]

  it('forwards at hop 1 and 2, and discards at hop 3', () => {
    for (const hops of [1, 2]) {
      const { state, actions } = guestStep(begun, { is: 'unfit', reason: '', hops, candidates }, 0)
      expect(state.is).toBe('forwarding')
      expect(actions).toMatchObject([{ do: 'send', to: { peerId: 'a' } }])
    }
    const third = guestStep(begun, { is: 'unfit', reason: 'no', hops: 3, candidates }, 0)
    expect(third.actions.map((action) => action.do)).toEqual(['discard', 'decline', 'end'])
  })

  it('never helps before the acceptance, nor after its offer has lapsed', () => {
    expect(guestStep(begun, { is: 'accept' }, 0)).toMatchObject({ taken: false, actions: [] })
    const offered = guestStep(begun, { is: 'ready', fitness: 1, reason: '' }, 0).state
    expect(guestStep(offered, { is: 'accept' }, 1).actions).toEqual([{ do: 'help' }])
    expect(guestStep(offered, { is: 'tick' }, 40_000).state).toMatchObject({ end: 'unchosen' })
    expect(guestStep(offered, { is: 'accept' }, 70_000).state).toMatchObject({ end: 'expired' })
  })
})
