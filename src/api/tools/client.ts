/** Client of a task's tools: what `bzzz mcp` uses within a sandbox. As light as the client of the API. */
import { bearer } from '../bearer.ts'
import { callJson, isObject, replyOf, bad } from '../client-http.ts'
import type { BudgetView, HelpReply, HelpWanted, TaskView } from './types.ts'
import type { PeerView } from './view.ts'

export interface ToolClientOptions {
  socket: string
  token: string
  /** For an answer, and for each sign that an answer is still waited for, ms. Default 60,000. */
  timeoutMs?: number
}

/** `task`: owner/name#12; only the own one is not refused. Errors: as of `connect`, `OTHER_TASK`, `TOKEN_WRONG`, `TOO_MANY`. */
export interface ToolClient {
  peers(signal?: AbortSignal): Promise<PeerView[]>
  task(task?: string, signal?: AbortSignal): Promise<TaskView>
  budget(task?: string, signal?: AbortSignal): Promise<BudgetView>
  /** Resolves when the request has ended; the signal withdraws it. Errors: `ASK_BUSY`. */
  ask(wanted: HelpWanted, signal?: AbortSignal): Promise<HelpReply>
}

const defaultMs = 60_000

export function connectTools(options: ToolClientOptions): ToolClient {
  const { socket: socketPath, token, timeoutMs = defaultMs } = options
  const at = { socketPath, timeoutMs, headers: bearer(token) }
  const get = (path: string, task: string | undefined, signal: AbortSignal | undefined) => {
    const query = task === undefined ? '' : `?task=${encodeURIComponent(task)}`
    return callJson({ ...at, method: 'GET', path: `/v1/${path}${query}`, signal })
  }
  return {
    peers: async (signal) => {
      const answer = await get('peers', undefined, signal)
      if (Array.isArray(answer)) return answer as PeerView[]
      throw bad('The answer is not a list.')
    },
    task: async (task, signal) => object<TaskView>(await get('task', task, signal)),
    budget: async (task, signal) => object<BudgetView>(await get('budget', task, signal)),
    ask: (wanted, signal) =>
      replyOf({ ...at, method: 'POST', path: '/v1/ask', body: wanted, signal }),
  }
}

function object<T>(value: unknown): T {
  if (isObject(value)) return value as T
  throw bad('The answer is no object.')
}
