/**
 * What is due about a pull request: nothing, waiting, a round, or a person. Pure.
 *
 *   items that no round was about ── quiet for a while, checks have ended ──► round
 *                                 └─ all rounds are used up ────────────────► a person
 */
import type { Item } from './items.ts'

export interface JudgeInput {
  items: readonly Item[]
  /** Keys that rounds were about which have ended, since a person last asked for another try. */
  worked: ReadonlySet<string>
  /** Somebody who may has asked for a round, whatever was worked before. */
  asked: boolean
  /** A person took the mark off, and no round was made since: what was worked before is open again. */
  again?: boolean
  /** Rounds that have ended since then. */
  rounds: number
  maxRounds: number
  /** Checks that have not ended. */
  pending: number
  /** It was marked as needing a person. */
  marked: boolean
  /** Own monotonic clock, ms, as all times here. */
  now: number
  /** Since when the items are what they are. */
  quietSince: number
  quietMs: number
}

export type Judgement =
  | { is: 'nothing' }
  /** `until`: monotonic ms. */
  | { is: 'wait'; until: number; reason: string }
  | { is: 'round'; items: Item[] }
  | { is: 'person'; reason: string }

/** How long a failed check waits for others that have not ended, ms; one may hang. */
export const maxPendingMs = 15 * 60_000

export function judge(input: JudgeInput): Judgement {
  const { items, worked, asked, again = false, rounds, maxRounds, pending, marked } = input
  const { now, quietSince } = input
  const fresh = asked || again ? [...items] : items.filter(({ key }) => !worked.has(key))
  if (fresh.length === 0 || (marked && !asked)) return { is: 'nothing' }
  const quiet = quietSince + input.quietMs
  if (now < quiet) return { is: 'wait', until: quiet, reason: 'more may be said' }
  const ended = quietSince + Math.max(input.quietMs, maxPendingMs)
  const onlyChecks = fresh.every(({ kind }) => kind === 'check')
  if (onlyChecks && pending > 0 && now < ended)
    return { is: 'wait', until: ended, reason: `${pending} checks have not ended` }
  if (!asked && rounds >= maxRounds)
    return { is: 'person', reason: `${rounds} ${rounds === 1 ? 'round was' : 'rounds were'} made` }
  return { is: 'round', items: fresh }
}
