/** What help offers, and what it needs of its siblings. */
import type { EntryInput, JournalEntry, LoggedEntry } from '../journal/index.ts'
import type {
  Capabilities,
  HelpAnswer,
  HelpMessage,
  HelpQuestion,
  HelpReceipt,
  StreamOptions,
} from '../mesh/index.ts'
import type { Clock, Logger, Startable } from '../util/index.ts'
import type { Verify } from './seal.ts'

export type { HelpAnswer, HelpQuestion } from '../mesh/index.ts'

export type HelpBudget = HelpQuestion['budget']

/** What a task asks for. `lifeMs`: for finding a helper and for its help together. */
export type AskRequest = Omit<HelpQuestion, 'v' | 'mesh' | 'id' | 'origin' | 'round'>

/** A journal entry, for people who want to look. */
export interface EntryReference {
  peerId: string
  epoch: number
  seq: number
}

/** One request for a task, as it ended. */
export interface Tried {
  id: string
  round: number
  /** Of the last that helped or gave up. */
  helper?: string
  /** Whom the origin itself sent it to. */
  asked: string[]
  outcome: string
  reason: string
  entries: EntryReference[]
}

export type HelpOutcome =
  /** Say what became of it with `conclude`. */
  | { is: 'answered'; id: string; helper: string; answer: HelpAnswer }
  /** Nobody helps: all declined, were not reached, or gave no sign in time. */
  | { is: 'nobody'; id: string; reason: string }
  /** The helper that was accepted gave up, is gone, or was not reached. */
  | { is: 'lost'; id: string; helper: string; reason: string }
  | { is: 'expired'; id: string }
  /** The caller's signal fired. */
  | { is: 'withdrawn'; id: string }
  /** No more requests for this task: it needs a person. */
  | { is: 'exhausted'; tried: Tried[] }

export type HelpStep =
  | { is: 'asked'; id: string; round: number }
  | { is: 'sent'; to: string; reason: string }
  | { is: 'declined'; by: string; reason: string }
  | { is: 'offered'; by: string; fitness: number }
  | { is: 'accepted'; helper: string; reason: string }
  | { is: 'ended'; outcome: HelpOutcome }

/** Whether the agent would help, and why, or why not. `fitness`: 0 to 1,000. */
export type Readiness =
  { ready: true; fitness: number; reason: string } | { ready: false; reason: string }

/** Carries out help on this machine. */
export interface Helper {
  /** Looks whether it could; holds nothing. Must answer within 2 s. Default: never. */
  offer?(question: HelpQuestion): Promise<Readiness> | Readiness
  /**
   * Helps, once the origin has accepted. The signal fires when the origin withdraws or is gone, or when
   * the time is over; it must have ended soon after. What it throws becomes `failed`.
   */
  help(question: HelpQuestion, signal: AbortSignal, budget: HelpBudget): Promise<HelpAnswer>
}

export interface HelpMesh {
  readonly peerId: string
  sign(data: Uint8Array): Promise<Uint8Array>
  sendHelp(peerId: string, message: HelpMessage, options?: StreamOptions): Promise<HelpReceipt>
  handleHelp(handler: (message: HelpMessage, from: string) => Promise<HelpReceipt>): () => void
  peers(): readonly HelpPeer[]
}

/** A peer as the mesh sees it now. */
export interface HelpPeer {
  peerId: string
  connected: boolean
  presence: 'alive' | 'suspect' | 'gone'
  capabilities?: Pick<Capabilities, 'slots' | 'cpu' | 'roles'> & Partial<Capabilities>
  rttMs?: number
}

export interface HelpMembership {
  readonly meshId: string
  standing(peerId: string): 'member' | 'expired' | 'removed' | 'stranger'
  /** Statements that prove the own membership. */
  proof(): unknown[]
  /** Takes what verifies of others' statements. */
  merge(statements: readonly unknown[]): Promise<unknown>
}

export interface HelpJournal {
  append(entry: EntryInput, options?: { durable?: boolean }): Promise<JournalEntry>
  read(query: {
    agent?: string
    types?: readonly EntryInput['type'][]
    last?: number
  }): AsyncIterable<LoggedEntry>
}

export interface HelpComponents {
  mesh: HelpMesh
  membership: HelpMembership
  journal: HelpJournal
  verify: Verify
  /** Without one, this agent asks and forwards, and never offers. */
  helper?: Helper
  /** Which of the needs a peer does not have. */
  lacks: (needs: readonly string[], capabilities: Partial<Capabilities>) => string[]
  logger: Logger
  clock?: Clock
  /** 0 to below 1. */
  random?: () => number
  /** 16 bytes in hex, new each time. */
  newId?: () => string
}

export interface Help extends Startable {
  /**
   * Asks the mesh. The last step is `ended`; leaving the iteration or firing the signal withdraws.
   * Errors: `HELP_INVALID`, `HELP_BUSY`, `HELP_STOPPED`, and those of the journal's `append`.
   */
  ask(request: AskRequest, signal?: AbortSignal): AsyncIterable<HelpStep>
  /** What became of an answer: tells the helper, writes it down. Errors: `HELP_UNKNOWN`, `HELP_STOPPED`. */
  conclude(id: string, outcome: 'used' | 'refused', reason: string): Promise<void>
  /** Requests of this agent for a task, as far as its journal knows; the oldest first. */
  tried(task: { repo: string; issue: number }): Tried[]
  /** The task has ended: its requests count no more. After a restart the entries `task.done` and `task.failed` say so. */
  completed(task: { repo: string; issue: number }): void
  /** Requests that are under way here: own, helping, forwarded. */
  open(): { id: string; role: 'origin' | 'helper' | 'forwarder'; phase: string; leftMs: number }[]
  /** Counters since the object was made, by stable name. */
  counters(): Record<string, number>
}
