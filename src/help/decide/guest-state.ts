/**
 * The side of a peer that received a request, as one pure step. It offers or forwards, never both.
 *
 *   considering ──ready──▶ offered ──accept──▶ helping ──▶ answered ──result──▶ ended
 *        │ not                │ unchosen, late     │ failed, origin gone
 *        └──▶ forwarding ──all declined──▶ ended (declined)      any: withdrawn, expired ──▶ ended
 */
import { maxForwards, OFFER_LIFE_MS, RESULT_MS, WATCH_MS } from '../limits.ts'
import { beginAsking, isSpent, wave, without, type Asking } from './asking.ts'
import type { Candidate } from './whom.ts'

export type GuestState =
  | { readonly is: 'considering'; readonly endAt: number }
  | { readonly is: 'forwarding'; readonly endAt: number; readonly asking: Asking }
  | { readonly is: 'offered'; readonly endAt: number; readonly lapseAt: number }
  | { readonly is: 'helping'; readonly endAt: number }
  | { readonly is: 'answered'; readonly endAt: number; readonly lapseAt: number }
  | { readonly is: 'ended'; readonly endAt: number; readonly end: string }

export type GuestEvent =
  | { is: 'tick' }
  | { is: 'ready'; fitness: number; reason: string }
  /** `hops`: how many the request has made. `candidates`: to whom it could go. */
  | { is: 'unfit'; reason: string; hops: number; candidates: readonly Candidate[] }
  | { is: 'unsent' | 'declined'; by: string; reason: string }
  | { is: 'accept' }
  | { is: 'answer' }
  | { is: 'failed'; reason: string }
  /** The origin took another, does not know the request any more, or could not be told of the offer. */
  | { is: 'unchosen'; reason: string }
  | { is: 'result'; outcome: 'used' | 'refused'; reason: string }
  | { is: 'withdraw'; reason: string }

export type GuestAction =
  | { do: 'offer'; fitness: number; reason: string }
  | { do: 'send'; to: Candidate }
  | { do: 'discard'; why: string }
  | { do: 'decline'; reason: string }
  | { do: 'help' }
  | { do: 'answer' }
  | { do: 'give-up'; reason: string }
  | { do: 'end'; end: string; reason: string }

export interface GuestStep {
  state: GuestState
  actions: GuestAction[]
  taken: boolean
}

export function guestStep(state: GuestState, event: GuestEvent, now: number): GuestStep {
  const { endAt } = state
  const ignored: GuestStep = { state, actions: [], taken: event.is === 'tick' }
  const end = (how: string, reason: string, ...actions: GuestAction[]): GuestStep => ({
    state: { is: 'ended', endAt, end: how },
    actions: [...actions, { do: 'end', end: how, reason }],
    taken: true,
  })
  if (state.is === 'ended') return ignored
  if (event.is === 'withdraw') return end('withdrawn', event.reason)
  if (now >= endAt && state.is !== 'answered') return end('expired', 'Its time is over.')
  switch (state.is) {
    case 'considering':
      if (event.is === 'ready') {
        const { fitness, reason } = event
        return {
          state: { is: 'offered', endAt, lapseAt: Math.min(endAt, now + OFFER_LIFE_MS) },
          actions: [{ do: 'offer', fitness, reason }],
          taken: true,
        }
      }
      if (event.is === 'unfit') return forward(event, { endAt, now, end })
      return ignored
    case 'forwarding': {
      const word = event.is === 'unsent' || event.is === 'declined'
      if (!word && event.is !== 'tick') return ignored
      const taken = !word || state.asking.waiting.includes(event.by)
      const asking = word ? without(state.asking, event.by) : state.asking
      return { ...goOn(asking, { endAt, now, end }), taken }
    }
    case 'offered':
      if (event.is === 'accept') {
        return { state: { is: 'helping', endAt }, actions: [{ do: 'help' }], taken: true }
      }
      if (event.is === 'unchosen' || event.is === 'result') return end('unchosen', event.reason)
      if (now >= state.lapseAt) return end('unchosen', 'The origin did not answer the offer.')
      return ignored
    case 'helping':
      if (event.is === 'answer') {
        const lapseAt = now + RESULT_MS
        return {
          state: { is: 'answered', endAt, lapseAt },
          actions: [{ do: 'answer' }],
          taken: true,
        }
      }
      if (event.is === 'failed') {
        return end('failed', event.reason, { do: 'give-up', reason: event.reason })
      }
      return ignored
    case 'answered':
      if (event.is === 'result') return end(event.outcome, event.reason)
      if (event.is === 'unchosen') return end('refused', event.reason)
      if (now >= state.lapseAt) return end('unknown', 'The origin did not say what became of it.')
      return ignored
  }
}

/** When to look again though nothing came. */
export function guestDue(state: GuestState, now: number): number {
  switch (state.is) {
    case 'forwarding':
      return state.asking.next.length > 0
        ? Math.min(state.endAt, state.asking.stageAt)
        : state.endAt
    case 'offered':
    case 'answered':
      return state.lapseAt
    case 'helping':
      return Math.min(state.endAt, now + WATCH_MS)
    default:
      return state.endAt
  }
}

interface Context {
  endAt: number
  now: number
  end: (how: string, reason: string, ...actions: GuestAction[]) => GuestStep
}

function forward(
  { reason, hops, candidates }: Extract<GuestEvent, { is: 'unfit' }>,
  context: Context,
): GuestStep {
  // Whoever got it next would have to discard it.
  if (hops >= maxForwards) {
    return context.end(
      'declined',
      reason,
      { do: 'discard', why: 'hops' },
      { do: 'decline', reason },
    )
  }
  return goOn(beginAsking(candidates, context.now), context)
}

function goOn(before: Asking, { endAt, now, end }: Context): GuestStep {
  const { asking, send } = wave(before, now)
  if (isSpent(asking)) {
    const reason = asking.asked.length === 0 ? 'knows nobody else' : 'all behind it declined'
    return end('declined', reason, { do: 'decline', reason })
  }
  return {
    state: { is: 'forwarding', endAt, asking },
    actions: send.map((to): GuestAction => ({ do: 'send', to })),
    taken: true,
  }
}
