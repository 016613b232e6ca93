/**
 * What an agent says, decoded: answers to our requests (which the SDK passes on as they came) and
 * session updates, of which only the known kinds with the needed fields become events. An update
 * of another kind is none of our business, and never an error.
 */
import { z } from 'zod'
import { oneLine, visible } from '../clean.ts'
import type { ExecutorEvent } from '../executor.ts'

export const helloSchema = z.object({ protocolVersion: z.number().int() })
export const sessionSchema = z.object({ sessionId: z.string().min(1).max(1024) })
const tokens = z.number().int().min(0).optional().catch(undefined)
export const turnSchema = z.object({
  stopReason: z.enum(['end_turn', 'max_tokens', 'max_turn_requests', 'refusal', 'cancelled']),
  usage: z.object({ inputTokens: tokens, outputTokens: tokens }).nullish().catch(undefined),
})

const MAX_TEXT = 64 * 1024
const chunk = z.object({ content: z.object({ type: z.literal('text'), text: z.string() }) })
const update = z.discriminatedUnion('sessionUpdate', [
  chunk.extend({ sessionUpdate: z.literal('agent_message_chunk') }),
  z.object({
    sessionUpdate: z.enum(['tool_call', 'tool_call_update']),
    toolCallId: z.string().max(1024),
    title: z.string().nullish(),
    status: z.string().max(40).nullish(),
  }),
  z.object({
    sessionUpdate: z.literal('plan'),
    entries: z.array(z.object({ content: z.string() })).max(200),
  }),
])
const notification = z.object({ update })

/** The event of a `session/update` notification; undefined for what is not shown. */
export function decodeUpdate(params: unknown): ExecutorEvent | undefined {
  const decoded = notification.safeParse(params)
  if (!decoded.success) return undefined
  const { update: said } = decoded.data
  switch (said.sessionUpdate) {
    case 'agent_message_chunk':
      return { type: 'text', text: visible(said.content.text.slice(0, MAX_TEXT)) }
    case 'tool_call':
    case 'tool_call_update':
      return {
        type: 'tool',
        id: said.toolCallId,
        title: oneLine(said.title ?? '', 200),
        status: oneLine(said.status ?? 'pending', 40),
      }
    case 'plan':
      return { type: 'plan', steps: said.entries.map((entry) => oneLine(entry.content, 200)) }
  }
}
