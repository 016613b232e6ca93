/**
 * Help as people see it: the requests that this agent knows of, their trees, asking for a task that
 * runs here, and answering a request that waits here for a person.
 */
import type { HelpReply, HelpWanted } from '../work/index.ts'
import type { HelpTree } from '../help/index.ts'

/** A request for help, as the journals here tell it. */
export interface AskRow {
  id: string
  task: { repo: string; issue: number }
  /** The task's first, second or third. */
  round: number
  /** Peer id. */
  origin: string
  /** `open` while nothing is known of its end. */
  outcome: string
  helper?: string
  /** Wall clock of the origin, ms since 1970; 0 when its journal is not here. */
  askedAtMs: number
  /** What this agent does for it now. */
  here?: { role: 'origin' | 'helper' | 'forwarder'; phase: string; leftMs: number }
  /** A person may answer it here with `answer`; the question, cleaned. */
  waits?: { question: string; summary: string; leftMs: number }
}

export interface Asks {
  /** The newest first; at most `last`, default 50. */
  list(last?: number): Promise<AskRow[]>
  /** By its id or the beginning of it. Undefined when none is known. */
  show(id: string): Promise<HelpTree | undefined>
  /**
   * Asks for a task whose executor runs here, as the executor itself would. Resolves when the request
   * has ended, with what came of it. Errors: `ASK_NO_TASK` when it does not run here.
   */
  send(
    task: { repo: string; issue: number },
    wanted: HelpWanted,
    signal?: AbortSignal,
  ): Promise<HelpReply>
  /** Gives a person's advice to a request that waits here. Errors: `ASK_UNKNOWN`, `ASK_INVALID` (data.field). */
  answer(id: string, text: string): Promise<void>
}
