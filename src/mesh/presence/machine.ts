/**
 * Presence of one other member, as this one sees it: SWIM's states with Lifeguard's patience. Pure.
 *
 *                 link lost, silence             probes fail, or nothing
 *                (doubt, probes begin)            helps for `graceMs`
 *        ┌───────────┐                 ┌────────┐                ┌─────────┐
 *   ───▶ │   alive   │ ──────────────▶ │ (doubt)│ ─────────────▶ │ suspect │
 *        └───────────┘ ◀────────────── └────────┘                └─────────┘
 *          ▲   ▲  │     a sign of life                             │    │
 *          │   └──┼───────────────────────── a sign of life ───────┘    │ suspicion is over,
 *          │      │ goodbye                                             │ others were asked
 *          │      ▼                                                     ▼
 *          │   ┌─────────────────────────────────────────────────────────┐
 *          └── │                     gone (left, silent)                 │
 *   on its own └─────────────────────────────────────────────────────────┘
 *   link, or a sign from after that
 *
 * Doubt is a part of `alive`: a link that breaks and is made anew at once is no news to anybody.
 *
 * Patience grows with the logarithm of the mesh's size (news takes that long to spread) and with the
 * own ill health: who cannot run in time, or loses its own pings, must not blame others. It shrinks
 * with each independent member that could not reach the suspect either (Lifeguard, section IV):
 * `max - (max - min) × log(denials + 1) / log(helpers + 1)`.
 */
export type Presence = 'alive' | 'suspect' | 'gone'
export type GoneReason = 'left' | 'silent'

/** All times are monotonic ms of this process. */
export type State =
  | { is: 'alive'; heardAt: number; doubtAt: number | undefined }
  | {
      is: 'suspect'
      heardAt: number
      since: number
      /** Members that could not reach it either. */
      denied: readonly string[]
      /** Rounds of probes that ended since. */
      rounds: number
    }
  | { is: 'gone'; heardAt: number; since: number; why: GoneReason }

/**
 * What a sign of life rests on: `link`: the peer itself, over a connection; `probe`: one of ours
 * reached it just now; `gossip`: a message that it wrote; `word`: another member says that it heard it.
 */
export type SignBy = 'link' | 'probe' | 'gossip' | 'word'

export type Event =
  /** `at`: when it was alive; for a word that may be a while ago. */
  | { is: 'sign'; by: SignBy; at: number }
  /** Its link broke, or is silent. */
  | { is: 'doubt' }
  /** A round of probes ended in vain. `asked`: members that were asked. */
  | { is: 'denied'; by: readonly string[]; asked: number }
  | { is: 'goodbye' }
  | { is: 'tick' }
  /** This process did not run for so long, ms: that was nobody's silence. */
  | { is: 'slept'; ms: number }

export interface Timing {
  /** From doubt to suspicion, ms. */
  graceMs: number
  /** Shortest suspicion in a mesh of up to ten, ms. */
  suspicionMs: number
  /** Silence until doubt, ms. */
  silentMs: number
  /** Members that are asked to probe. */
  helpers: number
}

export interface Context {
  now: number
  /** Members, this one included. */
  members: number
  /** 1 for a healthy process, more for one in trouble. */
  patience: number
  timing: Timing
}

/** The longest suspicion, when nobody confirms it, in shortest ones. */
export const LONGEST_SUSPICION = 3
/** What may have been under way when it went: an older sign does not bring it back, ms. */
export const LATE_SIGN_MS = 3000

export const met = (now: number): State => ({ is: 'alive', heardAt: now, doubtAt: undefined })

/** How long a suspicion lasts, ms. */
export function suspicionMs(denials: number, { members, patience, timing }: Context): number {
  const { helpers } = timing
  const min = timing.suspicionMs * Math.max(1, Math.log10(Math.max(1, members))) * patience
  // Alone with the suspect: there is nobody who could confirm.
  const expected = Math.min(helpers, members - 2)
  if (expected < 1) return min
  const part = Math.min(1, Math.log(denials + 1) / Math.log(expected + 1))
  return min * (LONGEST_SUSPICION - (LONGEST_SUSPICION - 1) * part)
}

export function step(state: State, event: Event, context: Context): State {
  switch (event.is) {
    case 'sign':
      return signOfLife(state, event, context)
    case 'goodbye':
      return { is: 'gone', heardAt: state.heardAt, since: context.now, why: 'left' }
    case 'doubt':
      if (state.is !== 'alive') return state
      return { ...state, doubtAt: state.doubtAt ?? context.now }
    case 'denied':
      return denied(state, event, context)
    case 'slept':
      return slept(state, event.ms, context.now)
    case 'tick':
      return tick(state, context)
  }
}

function signOfLife(
  state: State,
  { by, at }: Extract<Event, { is: 'sign' }>,
  { now }: Context,
): State {
  const heardAt = Math.min(now, Math.max(at, state.heardAt))
  const certain = by === 'link' || by === 'probe'
  switch (state.is) {
    case 'alive':
      if (state.doubtAt === undefined || certain || at > state.doubtAt) return met(heardAt)
      return { ...state, heardAt }
    case 'suspect':
      return certain || at > state.since ? met(heardAt) : { ...state, heardAt }
    case 'gone':
      return certain || at > state.since + LATE_SIGN_MS ? met(heardAt) : state
  }
}

function denied(
  state: State,
  { by, asked }: Extract<Event, { is: 'denied' }>,
  { now }: Context,
): State {
  if (state.is === 'suspect') {
    const all = [...new Set([...state.denied, ...by])]
    return { ...state, denied: all, rounds: state.rounds + 1 }
  }
  if (state.is !== 'alive' || state.doubtAt === undefined) return state
  // Without answers it may be this process that is cut off, and one member may be ill: the grace decides.
  if (by.length < Math.max(1, Math.min(2, asked))) return state
  return { is: 'suspect', heardAt: state.heardAt, since: now, denied: [...new Set(by)], rounds: 1 }
}

function slept(state: State, ms: number, now: number): State {
  const later = (at: number) => Math.min(now, at + ms)
  switch (state.is) {
    case 'alive': {
      const { heardAt, doubtAt } = state
      return {
        is: 'alive',
        heardAt: later(heardAt),
        doubtAt: doubtAt === undefined ? undefined : later(doubtAt),
      }
    }
    case 'suspect':
      return { ...state, heardAt: later(state.heardAt), since: later(state.since) }
    case 'gone':
      return state
  }
}

function tick(state: State, context: Context): State {
  const { now, patience, timing } = context
  switch (state.is) {
    case 'alive':
      if (state.doubtAt === undefined) {
        const isSilent = now - state.heardAt >= timing.silentMs * patience
        return isSilent ? { ...state, doubtAt: now } : state
      }
      if (now - state.doubtAt < timing.graceMs * patience) return state
      return { is: 'suspect', heardAt: state.heardAt, since: now, denied: [], rounds: 0 }
    case 'suspect': {
      const least = suspicionMs(state.denied.length, context)
      const isOver = now - state.since >= least && state.rounds > 0
      return isOver ? { is: 'gone', heardAt: state.heardAt, since: now, why: 'silent' } : state
    }
    case 'gone':
      return state
  }
}
