/**
 * Our side of the Agent Client Protocol: what an agent may ask of us. Files within the workspace,
 * and permission, which the operator's rules give or refuse, or a person; nothing else is offered, and
 * terminals are not.
 */
import {
  client,
  methods,
  RequestError,
  type ClientConnection,
  type RequestPermissionOutcome,
  type RequestPermissionRequest,
  type Stream,
} from '@agentclientprotocol/sdk'
import type { Clock } from '../../util/index.ts'
import { oneLine } from '../clean.ts'
import type { ConfinedFiles } from '../confined.ts'
import type { ExecutorEvent, PermissionBy } from '../executor.ts'
import { decide, type PermissionPolicy, type Wanted } from '../permission/policy.ts'
import type { Questions } from '../permission/questions.ts'
import { answerWith, CANCELLED } from './acp-answer.ts'
import type { ToolBook } from './acp-wanted.ts'

const INVALID_PARAMS = -32602
const MAX_TITLE = 200
const MAX_SHOWN_COMMAND = 1_000
const MAX_SHOWN_PLACES = 20

export interface ClientInit {
  stream: Stream
  files: ConfinedFiles
  calls: ToolBook
  permissions: PermissionPolicy
  /** Undefined where no person can be asked. */
  questions: Questions | undefined
  /** owner/name#12 and the executor, for the person who is asked. */
  about: { task: string; executor: string }
  /** Stands still while the work is frozen. */
  clock: Clock
  /** Fires when the turn or the session ends: a question ends with it. */
  signal: () => AbortSignal
  onEvent: (event: ExecutorEvent) => void
  /** A person is asked, or not any more: how many questions are open now. */
  onAsking: (open: number) => void
}

export function connectClient(init: ClientInit): ClientConnection {
  const { files, onEvent } = init
  let asking = 0

  async function permission(request: RequestPermissionRequest): Promise<RequestPermissionOutcome> {
    const wanted = await init.calls.wanted(request, files)
    const title = oneLine(wanted.title, MAX_TITLE)
    const { decision, by } = decide(init.permissions, wanted)
    if (decision !== 'ask') {
      const outcome = answerWith(request.options, decision === 'allow')
      const allowed = decision === 'allow' && outcome.outcome === 'selected'
      onEvent({ type: 'permission', title, kind: wanted.kind, allowed, by })
      return outcome
    }
    const { answer, by: who, question } = await ask(wanted, title)
    const outcome = who === 'end' ? CANCELLED : answerWith(request.options, answer)
    const allowed = answer && outcome.outcome === 'selected'
    const named = question === undefined ? {} : { question }
    onEvent({ type: 'permission', title, kind: wanted.kind, allowed, by: who, ...named })
    return outcome
  }

  async function ask(
    wanted: Wanted,
    title: string,
  ): Promise<{ answer: boolean; by: PermissionBy; question?: string }> {
    const { kind, command, places } = wanted
    const asked = init.questions?.ask(
      {
        ...init.about,
        kind,
        title,
        ...(command === undefined ? {} : { command: oneLine(command, MAX_SHOWN_COMMAND) }),
        paths: places.slice(0, MAX_SHOWN_PLACES).map(({ path }) => oneLine(path, MAX_TITLE)),
      },
      { ms: init.permissions.askMs, signal: init.signal(), clock: init.clock },
    )
    if (asked === undefined) return { answer: false, by: 'nobody' }
    const { id: question, deadlineMs } = asked.question
    onEvent({ type: 'asked', question, title, kind, deadlineMs })
    init.onAsking((asking += 1))
    const answered = await asked.answer
    init.onAsking((asking -= 1))
    return { answer: answered === 'allow', by: deciders[answered], question }
  }

  return client({ name: 'bzzz' })
    .onRequest(methods.client.fs.readTextFile, async ({ params }) => ({
      content: lines(await orRefuse(files.read(params.path)), params.line, params.limit),
    }))
    .onRequest(methods.client.fs.writeTextFile, async ({ params }) => {
      onEvent({ type: 'file', path: await orRefuse(files.write(params.path, params.content)) })
      return {}
    })
    .onRequest(methods.client.session.requestPermission, async ({ params }) => ({
      outcome: await permission(params),
    }))
    .connect(init.stream)
}

const deciders = { allow: 'person', deny: 'person', late: 'deadline', ended: 'end' } as const

/** Errors of files become answers that tell the agent what to do otherwise. */
async function orRefuse<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    throw new RequestError(INVALID_PARAMS, text)
  }
}

/** `line` counts from 1. */
function lines(text: string, line?: number | null, limit?: number | null): string {
  if ((line ?? undefined) === undefined && (limit ?? undefined) === undefined) return text
  const from = Math.max(0, (line ?? 1) - 1)
  const all = text.split('\n')
  return all
    .slice(from, limit === undefined || limit === null ? undefined : from + limit)
    .join('\n')
}
