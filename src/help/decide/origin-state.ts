/**
 * The origin's side of one request, as one pure step. It accepts one offer, ever: an acceptance that
 * leads nowhere ends the request, and the next request asks anew.
 *
 *   asking ──(offer; window closes)──▶ accepted ──(answer)──▶ answered ──(conclude)──▶ ended
 *     │ spent, silent: nobody             │ failed, gone, not reached: lost
 *     └──────── any: deadline: expired, caller leaves: withdrawn ─────────────────────▶ ended
 */
import { MAX_OFFERS, OFFER_WINDOW_MS, SILENCE_MS } from '../limits.ts'
import { isSpent, wave, without, type Asking } from './asking.ts'
import type { Candidate } from './whom.ts'

export interface Offer {
  by: string
  /** Digest of the letter. */
  offer: string
  fitness: number
  /** From the origin to the helper. */
  path: string[]
  reason: string
}

export type OriginEnd = 'nobody' | 'lost' | 'expired' | 'withdrawn' | 'used' | 'refused'

interface Common {
  readonly endAt: number
  readonly offers: readonly Offer[]
  readonly asking: Asking
}
export type OriginState = Common &
  (
    | { readonly is: 'asking'; readonly windowAt?: number; readonly silentAt: number }
    | { readonly is: 'accepted' | 'answered'; readonly accepted: Offer }
    | { readonly is: 'ended'; readonly end: OriginEnd; readonly accepted?: Offer }
  )

export type OriginEvent =
  | { is: 'tick' }
  | { is: 'unsent' | 'declined'; by: string; reason: string }
  | { is: 'offer'; offer: Offer }
  | { is: 'answer'; from: string; offer: string }
  /** The helper gave up, is gone, or was not reached. */
  | { is: 'failed'; from: string; reason: string }
  | { is: 'withdraw'; reason: string }
  | { is: 'conclude'; outcome: 'used' | 'refused'; reason: string }

export type OriginAction =
  | { do: 'send'; to: Candidate }
  | { do: 'accept'; offer: Offer; reason: string }
  | { do: 'unchoose'; offer: Offer }
  | { do: 'answered' }
  | { do: 'end'; end: OriginEnd; reason: string }

export interface OriginStep {
  state: OriginState
  actions: OriginAction[]
  /** Whether the event was of use; a second offer of one peer, a late answer and the like are not. */
  taken: boolean
}

export const beginOrigin = (asking: Asking, now: number, lifeMs: number): OriginState => ({
  is: 'asking',
  asking,
  offers: [],
  endAt: now + lifeMs,
  silentAt: now + SILENCE_MS,
})

export function originStep(state: OriginState, event: OriginEvent, now: number): OriginStep {
  if (state.is === 'ended') return { state, actions: [], taken: false }
  if (event.is === 'conclude') {
    if (state.is !== 'answered') return ignore(state)
    return end(state, event.outcome, event.reason)
  }
  // An answer that is here is the caller's to judge, whatever the time.
  if (state.is === 'answered') {
    return event.is === 'withdraw' ? end(state, 'withdrawn', event.reason) : ignore(state)
  }
  if (event.is === 'withdraw') return end(state, 'withdrawn', event.reason)
  if (now >= state.endAt) return end(state, 'expired', 'Its time is over.')
  return state.is === 'asking' ? whenAsking(state, event, now) : whenAccepted(state, event)
}

type AcceptedState = Extract<OriginState, { accepted: Offer; is: 'accepted' | 'answered' }>
type AskingState = Extract<OriginState, { is: 'asking' }>

function whenAccepted(state: AcceptedState, event: OriginEvent): OriginStep {
  const { accepted } = state
  if (event.is === 'answer' && event.from === accepted.by && event.offer === accepted.offer) {
    return { state: { ...state, is: 'answered' }, actions: [{ do: 'answered' }], taken: true }
  }
  if (event.is === 'failed' && event.from === accepted.by) return end(state, 'lost', event.reason)
  return { ...ignore(state), taken: event.is === 'tick' }
}

function whenAsking(before: AskingState, event: OriginEvent, now: number): OriginStep {
  let state = before
  let taken = true
  switch (event.is) {
    case 'unsent':
    case 'declined':
      taken = state.asking.waiting.includes(event.by)
      state = { ...state, asking: without(state.asking, event.by) }
      break
    case 'offer': {
      const { offer } = event
      if (state.offers.some(({ by }) => by === offer.by) || state.offers.length >= MAX_OFFERS) {
        return ignore(state)
      }
      const windowAt = state.windowAt ?? now + OFFER_WINDOW_MS
      const asking = without(state.asking, offer.path[1] ?? '')
      state = { ...state, asking, windowAt, offers: [...state.offers, offer] }
      break
    }
    case 'failed':
      taken = state.offers.some(({ by }) => by === event.from)
      state = { ...state, offers: state.offers.filter(({ by }) => by !== event.from) }
      break
    case 'tick':
      break
    default:
      return ignore(state)
  }
  const chosen = best(state.offers)
  if (chosen !== undefined) {
    const all = isSpent({ ...state.asking, next: [] })
    if (!all && now < (state.windowAt ?? now)) return { state, actions: [], taken }
    return accept(state, chosen)
  }
  const { asking, send } = wave(state.asking, now)
  const silentAt = send.length > 0 ? now + SILENCE_MS : state.silentAt
  if (isSpent(asking)) return { ...end(state, 'nobody', 'All that were asked declined.'), taken }
  if (now >= silentAt) return { ...end(state, 'nobody', 'Nobody answers.'), taken }
  const actions = send.map((to): OriginAction => ({ do: 'send', to }))
  return { state: { ...state, asking, silentAt }, actions, taken }
}

/** The fittest; of equals the nearest, then the first. */
function best(offers: readonly Offer[]): Offer | undefined {
  return offers.toSorted((a, b) => b.fitness - a.fitness || a.path.length - b.path.length)[0]
}

function accept({ asking, offers, endAt }: AskingState, offer: Offer): OriginStep {
  const others = offers.filter(({ by }) => by !== offer.by)
  const reason =
    others.length === 0 ? 'the only offer' : `the fittest of ${offers.length}: ${offer.fitness}`
  return {
    state: { is: 'accepted', asking, offers, endAt, accepted: offer },
    actions: [
      { do: 'accept', offer, reason },
      ...others.map((one): OriginAction => ({ do: 'unchoose', offer: one })),
    ],
    taken: true,
  }
}

function end(state: OriginState, how: OriginEnd, reason: string): OriginStep {
  const { asking, offers, endAt } = state
  const accepted = 'accepted' in state && state.accepted !== undefined ? state.accepted : undefined
  return {
    state: {
      is: 'ended',
      end: how,
      asking,
      offers,
      endAt,
      ...(accepted === undefined ? {} : { accepted }),
    },
    actions: [{ do: 'end', end: how, reason }],
    taken: true,
  }
}

const ignore = (state: OriginState): OriginStep => ({ state, actions: [], taken: false })
