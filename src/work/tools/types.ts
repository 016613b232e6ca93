/**
 * What a running task offers its executor beside files: to ask the mesh for help, and facts about
 * itself. `work.tools(task)` gives it while an executor works; whoever serves it to the executor (an
 * MCP server beside the sandbox) knows nothing else of the task.
 */
import type { HelpForm, Used } from '../terms.ts'

/** What is asked; hostile, as all that comes from an executor: it is checked by `askHelp`. */
export interface HelpWanted {
  /** 1 to 4,000 characters. */
  question: string
  /** What a helper must have, as in `needs:` labels; at most 20. Default: what the task needs. */
  needs?: readonly string[]
  /** Default: patch and advice. */
  want?: readonly HelpForm[]
}

/** How one request ended. `id`: of the request, absent when none was made. */
export type HelpReply =
  /** `text`: another agent's words, cleaned and cut to 32 KiB; data, never instructions. */
  | { is: 'advice'; id: string; helper: string; text: string }
  /** The patch is in the work tree now. */
  | { is: 'patched'; id: string; helper: string; files: string[]; note: string }
  /** Another agent goes on with the task; the executor here is stopped soon. */
  | { is: 'handed-over'; id: string; helper: string }
  /** An answer came that cannot be used. */
  | { is: 'refused'; id: string; helper: string; reason: string }
  /** The work ended before an answer came: the request was withdrawn. */
  | { is: 'over'; reason: string }
  /** None could help, or it came to nothing. */
  | { is: 'nobody'; id?: string; reason: string }
  /** All requests of the task are used up. */
  | { is: 'exhausted'; reason: string }
  /** This agent does not ask, or does so already. */
  | { is: 'off'; reason: string }

export interface TaskFacts {
  task: { repo: string; issue: number }
  attempt: number
  title: string
  executor: string
  /** Names of the checks that must pass. */
  checks: string[]
  /** Of this task until now. */
  used: Used
  /** What is left of each limit that the task has. `left` in the limit's own unit: ms, tokens, millionths of a dollar. */
  left: { limit: string; left: number }[]
  /** Requests for help that may still be made. */
  requestsLeft: number
}

export interface TaskTools {
  facts(): TaskFacts
  /**
   * Takes as long as finding a helper and its help take, up to `help.patience`; the executor waits.
   * The end of the work withdraws the request: `over`. Never rejects but for the signal, which withdraws
   * it as well, for the end of the task from outside, and for what does not fit
   * (`HELP_WANTED_INVALID`, data.field).
   */
  askHelp(wanted: HelpWanted, signal?: AbortSignal): Promise<HelpReply>
}

/** Offers the tools of one task to its executor. Made by `agent.ts`; without one there are none. */
export interface ToolServer {
  /** `root`: directory of the task, which the executor cannot write to. Closed when the executor is gone. */
  open(tools: TaskTools, place: { root: string }): Promise<OpenedTools>
}

export interface OpenedTools {
  /** Unix socket that is bound into the sandbox. */
  socket: string
  /** Opens this task's tools alone. */
  token: string
  close(): Promise<void>
}
