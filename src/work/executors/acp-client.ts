/**
 * Our side of the Agent Client Protocol: what an agent may ask of us. Files within the workspace,
 * and permission; nothing else is offered, and terminals are not.
 */
import {
  client,
  methods,
  RequestError,
  type ClientConnection,
  type RequestPermissionRequest,
  type Stream,
} from '@agentclientprotocol/sdk'
import { oneLine } from '../clean.ts'
import type { ConfinedFiles } from '../confined.ts'
import type { ExecutorEvent } from '../executor.ts'
import { answerPermission } from './acp-permission.ts'

const INVALID_PARAMS = -32602
const MAX_PLACES = 200

export interface ClientInit {
  stream: Stream
  files: ConfinedFiles
  onEvent: (event: ExecutorEvent) => void
}

export function connectClient({ stream, files, onEvent }: ClientInit): ClientConnection {
  return client({ name: 'bzzz' })
    .onRequest(methods.client.fs.readTextFile, async ({ params }) => ({
      content: lines(await orRefuse(files.read(params.path)), params.line, params.limit),
    }))
    .onRequest(methods.client.fs.writeTextFile, async ({ params }) => {
      onEvent({ type: 'file', path: await orRefuse(files.write(params.path, params.content)) })
      return {}
    })
    .onRequest(methods.client.session.requestPermission, async ({ params }) => {
      const { allowed, outcome } = answerPermission(params.options, await allWithin(params, files))
      const title = oneLine(params.toolCall.title ?? params.toolCall.kind ?? '', 200)
      onEvent({ type: 'permission', title, allowed })
      return { outcome }
    })
    .connect(stream)
}

async function allWithin(
  { toolCall }: RequestPermissionRequest,
  files: ConfinedFiles,
): Promise<boolean> {
  const places = [
    ...(toolCall.locations ?? []).map((location) => location.path),
    ...(toolCall.content ?? []).flatMap((part) => (part.type === 'diff' ? [part.path] : [])),
  ]
  if (places.length > MAX_PLACES) return false
  for (const place of places) if (!(await files.contains(place))) return false
  return true
}

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
