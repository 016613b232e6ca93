/**
 * A round that is due and that this agent cannot begin, since its slots are taken or no executor of it can
 * do it now. It does not wait for ever: the claim of the round is taken and let go, which frees it for
 * everybody (`claim/decide-round.ts`), or, where nobody else could take it either, the pull request says so.
 */

/** After which a round goes to an agent that could take it, ms. */
export const handOnMs = 5 * 60_000
/** After which people are told that it waits, ms. */
export const tellMs = 30 * 60_000
/** Between two times that people are told, ms. */
export const tellAgainMs = 24 * 60 * 60_000

export interface Blocked {
  /** Since when the round is due and blocked, monotonic ms, as all times here. */
  since: number
  now: number
  /** The branch belongs to this agent, so that no other one may take the round. */
  owned: boolean
  /** Another agent that is connected could take it. */
  others: boolean
  /** When people were told last; -Infinity: never. */
  toldAt: number
}

/** Pure. */
export function whileBlocked({
  since,
  now,
  owned,
  others,
  toldAt,
}: Blocked): 'wait' | 'hand on' | 'tell' {
  if (owned && others && now - since >= handOnMs) return 'hand on'
  if (!others && now - since >= tellMs && now - toldAt >= tellAgainMs) return 'tell'
  return 'wait'
}
