/**
 * What an agent says, decoded: answers to our requests (which the SDK passes on as they came) and
 * session updates, of which only the known kinds with the needed fields become events. An update
 * of another kind is none of our business, and never an error.
 */
import { z } from 'zod'
import { oneLine, visible } from '../clean.ts'
import type { ExecutorEvent, Usage } from '../executor.ts'
import { modelFields } from './acp-model.ts'

const supported = z.object({}).nullish().catch(undefined)
export const helloSchema = z.object({
  protocolVersion: z.number().int(),
  agentCapabilities: z
    .object({
      loadSession: z.boolean().nullish().catch(undefined),
      sessionCapabilities: z.object({ resume: supported }).nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
})
export const sessionSchema = z.object({ sessionId: z.string().min(1).max(1024), ...modelFields })
/** Of a session that is gone on with. */
export const resumedSchema = z.object(modelFields).nullish().catch(undefined)

const tokens = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional().catch(undefined)
/** Gemini and Qwen tell what a turn took in `_meta.quota`, the others where the protocol is going to have it. */
const meta = z.object({
  quota: z.object({ token_count: z.object({ input_tokens: tokens, output_tokens: tokens }) }),
})
export const turnSchema = z.object({
  stopReason: z.enum(['end_turn', 'max_tokens', 'max_turn_requests', 'refusal', 'cancelled']),
  usage: z
    .object({
      inputTokens: tokens,
      outputTokens: tokens,
      cachedReadTokens: tokens,
      cachedWriteTokens: tokens,
    })
    .nullish()
    .catch(undefined),
  _meta: meta.nullish().catch(undefined),
})

/** Tokens of the turn; what was read from or written to a cache counts as input. */
export function usageOf({ usage, _meta }: z.output<typeof turnSchema>): Usage {
  const counted = _meta?.quota.token_count
  const cached = (usage?.cachedReadTokens ?? 0) + (usage?.cachedWriteTokens ?? 0)
  const input = usage?.inputTokens ?? counted?.input_tokens
  const output = usage?.outputTokens ?? counted?.output_tokens
  return {
    ...(input === undefined ? {} : { inputTokens: input + cached }),
    ...(output === undefined ? {} : { outputTokens: output }),
  }
}

const MAX_TEXT = 64 * 1024
/** Money that a session may report, US dollars; more is a mistake. */
const MAX_COST = 1_000_000
const chunk = z.object({ content: z.object({ type: z.literal('text'), text: z.string() }) })
const cost = z.object({ amount: z.number().min(0).max(MAX_COST), currency: z.literal('USD') })
/** Of Claude's adapter: until when its account takes nothing; seconds since 1970. */
const limitMeta = z.object({
  '_claude/rateLimit': z.object({ status: z.literal('rejected'), resetsAt: z.number().min(0) }),
})
const update = z.discriminatedUnion('sessionUpdate', [
  chunk.extend({ sessionUpdate: z.literal('agent_message_chunk') }),
  z.object({
    sessionUpdate: z.enum(['tool_call', 'tool_call_update']),
    toolCallId: z.string().max(1024),
    title: z.string().nullish(),
    status: z.string().max(40).nullish(),
    kind: z.string().max(40).nullish().catch(undefined),
  }),
  z.object({
    sessionUpdate: z.literal('plan'),
    entries: z
      .array(z.object({ content: z.string(), status: z.string().optional().catch(undefined) }))
      .max(200),
  }),
  z.object({
    sessionUpdate: z.literal('usage_update'),
    cost: cost.nullish().catch(undefined),
    _meta: limitMeta.nullish().catch(undefined),
  }),
])
const notification = z.object({ sessionId: z.string().max(1024), update })

export type Said =
  | { is: 'event'; event: Exclude<ExecutorEvent, { type: 'usage' }>; call?: unknown }
  /** `costMicros`: of the session until now. `resetsAt`: when its model takes work again, ms since 1970. */
  | { is: 'usage'; costMicros?: number; resetsAt?: number }

/** What a `session/update` notification says, and of which session; undefined for what is not shown. */
export function decodeUpdate(params: unknown): { sessionId: string; said: Said } | undefined {
  const decoded = notification.safeParse(params)
  if (!decoded.success) return undefined
  const { sessionId, update: said } = decoded.data
  switch (said.sessionUpdate) {
    case 'agent_message_chunk': {
      const text = visible(said.content.text.slice(0, MAX_TEXT))
      return { sessionId, said: { is: 'event', event: { type: 'text', text } } }
    }
    case 'tool_call':
    case 'tool_call_update': {
      const event = {
        type: 'tool',
        id: said.toolCallId,
        title: oneLine(said.title ?? '', 200),
        status: oneLine(said.status ?? 'pending', 40),
        ...(typeof said.kind === 'string' ? { kind: oneLine(said.kind, 40) } : {}),
      } as const
      return {
        sessionId,
        said: { is: 'event', event, call: (params as { update: unknown }).update },
      }
    }
    case 'plan': {
      const steps = said.entries.map((entry) => oneLine(entry.content, 200))
      const done = said.entries.filter(({ status }) => status === 'completed').length
      return { sessionId, said: { is: 'event', event: { type: 'plan', steps, done } } }
    }
    case 'usage_update': {
      const { cost: money, _meta: limit } = said
      const until = limit?.['_claude/rateLimit'].resetsAt
      return {
        sessionId,
        said: {
          is: 'usage',
          ...(money ? { costMicros: Math.round(money.amount * 1_000_000) } : {}),
          ...(until === undefined ? {} : { resetsAt: until * 1_000 }),
        },
      }
    }
  }
}
