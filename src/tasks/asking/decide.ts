/** When a task that did not come to a change asks other agents, and for what. Pure. */
import type { HelpForm } from '../needs.ts'

export interface StuckInput {
  /** Why the work ended; `WorkFailureCode`. */
  code: string
  /** Whether anybody who is here, free and able could take the task by itself. */
  others: boolean
  /** Peers that are connected. */
  reachable: number
  /** Requests that the task may still make. */
  left: number
  /** Work on what was said about a pull request: that stays with its owner. */
  isRound: boolean
  mayHandOver: boolean
}

export type Stuck =
  | {
      is: 'ask'
      want: HelpForm[]
      /** Goes on asking until all requests are used up. */ insist: boolean
    }
  /** All requests are used up. */
  | { is: 'exhausted' }
  | { is: 'no'; reason: string }

/** Failures that another head may solve. */
const hard: ReadonlySet<string> = new Set(['STUCK', 'CHECKS_FAILED'])
/** Failures of this machine, which another one may not have. */
const lacking: ReadonlySet<string> = new Set(['NO_EXECUTOR', 'ENVIRONMENT'])

export function whenStuck(input: StuckInput): Stuck {
  const { code, others, reachable, left, isRound, mayHandOver } = input
  const isHard = hard.has(code)
  if (!isHard && !lacking.has(code)) return { is: 'no', reason: `${code} is nothing to ask about` }
  // Handing back is quicker and surer than asking, where somebody is there to take it.
  if (!isHard && others) return { is: 'no', reason: 'another agent can take it' }
  if (left <= 0) return isHard ? { is: 'exhausted' } : { is: 'no', reason: 'no request is left' }
  if (reachable <= 0) return { is: 'no', reason: 'no peer is connected' }
  const hand: HelpForm[] = mayHandOver && !isRound ? ['takeover'] : []
  return isHard
    ? { is: 'ask', want: ['patch', 'advice', ...hand], insist: true }
    : { is: 'ask', want: [...hand, 'patch'], insist: false }
}
