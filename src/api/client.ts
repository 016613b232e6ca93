/**
 * Client of the agent's API: the light door of this room. It loads neither the server nor a
 * validator nor the agent, so that `bzzz status` starts fast.
 *
 * @example
 * const agent = connect(home)
 * const { name, state } = await agent.status()
 * for await (const entry of agent.logs({ task: { issue: 12 } }, { follow: true, signal })) show(entry)
 */
import { bearer } from './bearer.ts'
import { isObject, bad, callJson, callLines, callText, replyOf } from './client-http.ts'
import { readApiKey } from './key.ts'
import { checkSocketDirectory, realHome, socketEnv, socketPathFor } from './socket-path.ts'
import type {
  AskRow,
  AskShown,
  BundleQuery,
  HelpReply,
  HelpWanted,
  InviteRequest,
  InviteView,
  LoggedEntry,
  LogQuery,
  MemberView,
  NewInvite,
  PeerRow,
  Question,
  Role,
  Rotated,
  RotateRequest,
  ShownTask,
  Status,
  TaskRef,
  TaskRow,
  TaskState,
  Verification,
} from './types.ts'

export { ApiError, type ApiErrorCode } from './errors.ts'
export { homeOwner, isAlive, lockedSince, type LockOwner } from './lock.ts'
export { STARTING_MS } from './not-running.ts'
export { describeJournal } from './journal-state.ts'
export { connectTools, type ToolClient } from './tools/client.ts'
export { peerViews, type PeerView } from './tools/view.ts'
export type { BudgetView, TaskView } from './tools/types.ts'
export { entryTypes, expandEntryType, taskStates } from './vocabulary.ts'
export type * from './types.ts'

export interface ClientOptions {
  /** For an answer, and for each part of a stream, ms. Default 10,000. */
  timeoutMs?: number
  signal?: AbortSignal
  /** Default: where the agent of `home` listens. */
  socketPath?: string
}

/**
 * Every call rejects with `AGENT_NOT_RUNNING`, `AGENT_GONE`, `SOCKET_UNSAFE`, `BAD_ANSWER`,
 * `DEADLINE`, `ABORTED`, or the code that the agent answered.
 */
export interface ApiClient {
  status(): Promise<Status>
  peers(): Promise<PeerRow[]>
  tasks(filter?: { repo?: string; state?: TaskState }): Promise<TaskRow[]>
  /** Errors: `TASK_NOT_FOUND`. */
  task(ref: TaskRef): Promise<ShownTask>
  /** Gives what was asked. Errors: `QUESTION_UNKNOWN`. */
  answer(ref: TaskRef, question: string, answer: 'allow' | 'deny'): Promise<Question>
  /** The newest first; `last`: at most so many, default 50. */
  asks(last?: number): Promise<AskRow[]>
  /** By its id or the beginning of it. Errors: `ASK_UNKNOWN`, `ASK_AMBIGUOUS`. */
  ask(id: string): Promise<AskShown>
  /**
   * Asks the mesh for a task that runs there; resolves when the request has ended, which may take hours.
   * The signal withdraws it. Errors: `ASK_NO_TASK`, `HELP_WANTED_INVALID`.
   */
  sendAsk(ref: TaskRef, wanted: HelpWanted, signal?: AbortSignal): Promise<HelpReply>
  /** Gives advice to a request that waits for a person there. Errors: `ASK_UNKNOWN`, `ASK_TAKEN`, `ASK_AMBIGUOUS`, `ASK_INVALID`. */
  answerAsk(id: string, text: string): Promise<{ id: string }>
  /** Ends after what exists now; with `follow`, when the agent stops or the signal fires. */
  logs(
    query?: LogQuery,
    options?: { follow?: boolean; signal?: AbortSignal },
  ): AsyncIterable<LoggedEntry>
  /** Lines of a bundle (docs/journal.md), as they are to be written to its file. */
  bundle(query?: BundleQuery): AsyncIterable<object>
  /** May read whole journals: give it time with `timeoutMs`. Errors: `AGENT_NOT_FOUND`. */
  verify(agent?: string, options?: { timeoutMs?: number }): Promise<Verification[]>
  /** Errors of these: `NOT_SIGNER`, and those that `MembershipSources` names. */
  invite(request: InviteRequest): Promise<NewInvite>
  invites(): Promise<InviteView[]>
  revokeInvite(id: string): Promise<void>
  /** Gives who is a member now. */
  approve(who: string, roles?: Role[]): Promise<MemberView>
  deny(who: string): Promise<void>
  /** Gives who was one. */
  remove(who: string, options?: { distrust?: boolean }): Promise<MemberView>
  rotate(request: RotateRequest): Promise<Rotated>
  /** One round trip from the agent to the peer, ms. Errors: `PEER_UNREACHABLE`, `DEADLINE`. */
  ping(peerId: string): Promise<number>
  /** Asks for a graceful stop; resolves when the agent has agreed, not when it has ended. */
  stop(): Promise<void>
  /** Whether the agent's loop turns. */
  live(): Promise<boolean>
}

const defaultTimeoutMs = 10_000
/** A follower that hears nothing, not even the empty lines of every 15 s, gives up after this, ms. */
const silenceMs = 60_000

export function connect(home: string, options: ClientOptions = {}): ApiClient {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  const place = async () => {
    const real = await realHome(home)
    const socketPath = options.socketPath ?? socketPathFor(real, socketEnv())
    await checkSocketDirectory(socketPath)
    const key = await readApiKey(real)
    const headers = key === undefined ? {} : bearer(key)
    return { home: real, socketPath, headers, signal: options.signal, timeoutMs }
  }
  const get = async (path: string, timeout = timeoutMs) =>
    callJson({ ...(await place()), method: 'GET', path, timeoutMs: timeout })
  const post = async (path: string, body?: unknown) =>
    callJson({ ...(await place()), method: 'POST', path: `/api/v1${path}`, body })

  return {
    status: async () => object<Status>(await get('/api/v1/status'), 'name'),
    peers: async () => list<PeerRow>(await get('/api/v1/peers')),
    tasks: async (filter = {}) => list<TaskRow>(await get(`/api/v1/tasks${search(filter)}`)),
    task: async (ref) => object<ShownTask>(await get(`/api/v1${taskPath(ref)}`), 'history'),
    answer: async (ref, question, answer) =>
      object<Question>(await post(`${taskPath(ref)}/answer`, { question, answer }), 'kind'),
    asks: async (last) => list<AskRow>(await get(`/api/v1/asks${search({ last })}`)),
    ask: async (id) =>
      object<AskShown>(await get(`/api/v1/asks/${encodeURIComponent(id)}`), 'entries'),
    async sendAsk(ref, wanted, signal = options.signal) {
      const path = `/api/v1${taskPath(ref)}/ask`
      const wait = Math.max(silenceMs, timeoutMs)
      const at = { ...(await place()), signal, timeoutMs: wait }
      return replyOf({ ...at, method: 'POST', path, body: wanted })
    },
    answerAsk: async (id, text) =>
      object<{ id: string }>(await post(`/asks/${encodeURIComponent(id)}/answer`, { text }), 'id'),
    async *logs(query = {}, { follow = false, signal = options.signal } = {}) {
      const { agent, task, types, since, until, last } = query
      const type = types?.join(',')
      const asked = { agent, task: refOf(task), type, since, until, last, follow }
      const path = `/api/v1/logs${search(asked)}`
      const wait = follow ? Math.max(silenceMs, timeoutMs) : timeoutMs
      const call = { ...(await place()), method: 'GET' as const, path, signal, timeoutMs: wait }
      for await (const line of callLines(call)) yield object<LoggedEntry>(line, 'type')
    },
    async *bundle({ agent, task } = {}) {
      const path = `/api/v1/logs/export${search({ agent, task: refOf(task) })}`
      const wait = Math.max(silenceMs, timeoutMs)
      const call = { ...(await place()), method: 'GET' as const, path, timeoutMs: wait }
      for await (const line of callLines(call)) {
        if (!isObject(line)) throw bad('A line of the bundle is no object.')
        yield line
      }
    },
    verify: async (agent, { timeoutMs: timeout } = {}) =>
      list<Verification>(await get(`/api/v1/logs/verify${search({ agent })}`, timeout)),
    invite: async (request) => object<NewInvite>(await post('/invites', request), 'token'),
    invites: async () => list<InviteView>(await get('/api/v1/invites')),
    revokeInvite: async (id) => void (await post(`/invites/${encodeURIComponent(id)}/revoke`)),
    approve: async (who, roles) =>
      object<MemberView>(await post('/members/approve', { who, roles }), 'peerId'),
    deny: async (who) => void (await post('/members/deny', { who })),
    remove: async (who, options) =>
      object<MemberView>(await post('/members/remove', { who, ...options }), 'peerId'),
    rotate: async (request) => object<Rotated>(await post('/members/rotate', request), 'epoch'),
    ping: async (peerId) => {
      const answer = await post(`/peers/${encodeURIComponent(peerId)}/ping`)
      return object<{ rttMs: number }>(answer, 'rttMs').rttMs
    },
    stop: async () => void (await post('/stop')),
    live: async () => {
      const { status } = await callText({ ...(await place()), method: 'GET', path: '/livez' })
      return status === 200
    },
  }
}

const taskPath = ({ repo, issue }: TaskRef) =>
  `/tasks/${[...repo.split('/'), String(issue)].map(encodeURIComponent).join('/')}`

function refOf(task: LogQuery['task']): string | undefined {
  if (task === undefined) return undefined
  return task.repo === undefined ? `${task.issue}` : `${task.repo}#${task.issue}`
}

function search(parameters: Record<string, string | number | boolean | undefined>): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) given.append(name, String(value))
  }
  const text = given.toString()
  return text === '' ? '' : `?${text}`
}

function object<T>(value: unknown, field: string): T {
  if (isObject(value) && value[field] !== undefined) return value as T
  throw bad(`The answer has no field ${field}.`)
}

function list<T>(value: unknown): T[] {
  if (Array.isArray(value) && value.every(isObject)) return value as T[]
  throw bad('The answer is not a list.')
}
