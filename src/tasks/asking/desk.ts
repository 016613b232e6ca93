/** Help among peers as the tasks use it; `agent.ts` fulfils it. */
import type { HelpAnswer, HelpQuestion } from '../../mesh/index.ts'
import type { Peers } from '../needs.ts'

export interface HelpSettings {
  /** Ask other agents for tasks that get stuck here. */
  ask: boolean
  /** Help other agents with the executors of this machine. */
  give: boolean
  /** Longest time from a request to the end of the help that comes of it, ms. */
  patienceMs: number
  /** What a helper's executor may work on one request, ms. */
  workMs: number
  /** Between two requests of a task when nobody could help, ms. */
  pauseMs: number
  /** Whether a task may be handed on as a whole. */
  handOver: boolean
}

export type DeskRequest = Omit<HelpQuestion, 'v' | 'mesh' | 'id' | 'origin' | 'round'>

/** One request for a task, as it ended. Entries of the journals that tell of it. */
export interface Tried {
  id: string
  round: number
  helper?: string
  asked: string[]
  outcome: string
  reason: string
  entries: { peerId: string; epoch: number; seq: number }[]
}

export type DeskOutcome =
  | { is: 'answered'; id: string; helper: string; answer: HelpAnswer }
  | { is: 'nobody'; id: string; reason: string }
  | { is: 'lost'; id: string; helper: string; reason: string }
  | { is: 'expired' | 'withdrawn'; id: string }
  | { is: 'exhausted'; tried: Tried[] }

export interface HelpDesk {
  /** Requests that a task may make. */
  readonly maxRequests: number
  /** Peers that are connected now. */
  reachable(): number
  /** The last step is `ended`; the signal withdraws. */
  ask(
    request: DeskRequest,
    signal: AbortSignal,
  ): AsyncIterable<{ is: string } | { is: 'ended'; outcome: DeskOutcome }>
  conclude(id: string, outcome: 'used' | 'refused', reason: string): Promise<void>
  tried(task: { repo: string; issue: number }): Tried[]
  /** The task has ended: its requests count no more. */
  completed(task: { repo: string; issue: number }): void
  /** What is known of a peer; its name is its peer id while none is. */
  who(peerId: string): { name: string; login?: string; incarnation?: string }
}

/** For one attempt. */
export interface Asking extends Peers {
  readonly desk: HelpDesk
  readonly settings: HelpSettings
}
