/**
 * Help among peers as the API shows it: requests as rows, one with its tree, and what people may do about
 * them. Types only.
 */
import type { HelpTree } from '../../help/index.ts'
import type { LoggedEntry } from '../../journal/types.ts'
import type { HelpReply, HelpWanted } from '../../work/index.ts'

export type { HelpReply, HelpTree, HelpWanted }

/** A request for help, as the journals here tell it. */
export interface AskRow {
  id: string
  task: { repo: string; issue: number }
  /** The task's first, second or third. */
  round: number
  /** Peer id of who asks. */
  origin: string
  /** `open` while nothing is known of its end. */
  outcome: string
  helper?: string
  /** Wall clock of the origin, ms since 1970; 0 when its journal is not here. */
  askedAtMs: number
  /** What this agent does for it now. */
  here?: { role: 'origin' | 'helper' | 'forwarder'; phase: string; leftMs: number }
  /** A person may answer it here. */
  waits?: { question: string; summary: string; leftMs: number }
}

export interface AskShown {
  /** Null when only journals of others tell of it. */
  row: AskRow | null
  /** Null when the journal of who asks is not here. */
  tree: HelpTree | null
  /** What all journals here say of it, causes before effects; at most 5,000. */
  entries: LoggedEntry[]
}

export interface HelpSources {
  /** The newest first; at most `last`, default 50. */
  list(last?: number): Promise<AskRow[]>
  /** By its whole id. Undefined when the journal of who asks is not here. */
  show(id: string): Promise<HelpTree | undefined>
  /**
   * Asks for a task that runs here, as its executor would; resolves when the request has ended. The
   * signal withdraws it. Errors: `ASK_NO_TASK`, `HELP_WANTED_INVALID`.
   */
  send(
    task: { repo: string; issue: number },
    wanted: HelpWanted,
    signal?: AbortSignal,
  ): Promise<HelpReply>
  /** A person's advice for a request that waits here. Errors: `ASK_UNKNOWN`, `ASK_TAKEN`, `ASK_INVALID`. */
  answer(id: string, text: string): Promise<void>
}
