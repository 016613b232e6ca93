/** Other agents, as a task that runs may ask them. */
import type { HelpForm, Left } from '../terms.ts'

/** Asks other agents on behalf of a task; made by who orders the work. */
export interface Peers {
  /** Requests that the task may still make. */
  left(): number
  /** Rejects only for the signal, which withdraws the request. */
  ask(asked: AskedPeers, signal: AbortSignal): Promise<PeerAnswer>
  /** What became of a patch or of advice. Never rejects. */
  conclude(id: string, outcome: 'used' | 'refused', reason: string): Promise<void>
}

export interface AskedPeers {
  question: string
  /** Default: what the task needs. */
  needs?: readonly string[]
  want: readonly HelpForm[]
  /** Lines of what was tried. */
  tried: readonly string[]
  /** Longest time for finding a helper and its help, ms. Default: as configured. */
  withinMs?: number
  left?: Left
}

/** Texts of helpers are hostile. `helper`: its name for people. */
export type PeerAnswer =
  | { is: 'advice'; id: string; helper: string; text: string }
  | { is: 'patch'; id: string; helper: string; patch: string; note: string }
  | { is: 'handed-over'; id: string; helper: string }
  | { is: 'nobody'; id?: string; reason: string }
  | { is: 'exhausted' | 'off'; reason: string }
