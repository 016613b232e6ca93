/** What the MCP server needs of an agent. Types only. */

export type HelpForm = 'patch' | 'advice' | 'takeover'

export interface HelpWanted {
  question: string
  needs?: string[]
  want?: HelpForm[]
}

/** How a request for help ended; `docs/mcp.md` says what each means. */
export type HelpReply =
  | { is: 'advice'; helper: string; text: string }
  | { is: 'patched'; helper: string; files: string[]; note: string }
  | { is: 'handed-over'; helper: string }
  | { is: 'refused'; helper: string; reason: string }
  | { is: 'nobody' | 'exhausted' | 'off' | 'over'; reason: string }

/** An agent, as a client of it sees it. Rejects with coded errors, which become tool errors. */
export interface Tools {
  /** Takes as long as help does; the signal withdraws the request. Absent where no task is known to ask for. */
  askForHelp?: (wanted: HelpWanted, signal: AbortSignal) => Promise<HelpReply>
  /** JSON; so are the next two. */
  listPeers(signal: AbortSignal): Promise<unknown>
  /** `task`: owner/name#12 or 12; default: the one that it is for. */
  showTask(task: string | undefined, signal: AbortSignal): Promise<unknown>
  showBudget(task: string | undefined, signal: AbortSignal): Promise<unknown>
}
