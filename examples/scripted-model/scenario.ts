/**
 * What the scripted model answers, request by request, and what it expects to be asked. A request for
 * which the script has no answer, or that is not as expected, is refused, and written down.
 */
import { z } from 'zod'

const expectation = z.strictObject({
  /** Text that the last message must hold. */
  last: z.string().optional(),
  /** Role of the last message. */
  role: z.enum(['system', 'user', 'assistant', 'tool']).optional(),
  /** Text that some message must hold. */
  somewhere: z.string().optional(),
  /** Text that no message may hold. */
  nowhere: z.string().optional(),
  /** Names of tools that must be offered. */
  tools: z.array(z.string()).optional(),
  messagesAtMost: z.int().optional(),
})

const call = z.strictObject({
  name: z.string(),
  /** An object, or the text itself, to write what is no JSON. */
  arguments: z.union([z.record(z.string(), z.unknown()), z.string()]),
  id: z.string().optional(),
})

/**
 * `error`: an HTTP status with a body. The others happen within a stream: `stall` says nothing more,
 * `cut` closes the connection, `garbage` sends what is no JSON, `shapeless` JSON of another shape,
 * `error-event` an error in the stream, `flood` text without end.
 */
const trouble = z.union([
  z.enum([
    'stall',
    'cut',
    'garbage',
    'shapeless',
    'error-event',
    'flood',
    'html',
    'redirect',
    'hang-up',
  ]),
  z.strictObject({
    status: z.int().min(300).max(599),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.unknown().optional(),
  }),
])

const answer = z.strictObject({
  /** Only for a conversation in which some message holds this text; it is kept for such a one. */
  when: z.string().optional(),
  expect: expectation.optional(),
  /** Pause before the answer, ms. */
  waitMs: z.int().min(0).max(3_600_000).default(0),
  thinks: z.string().optional(),
  says: z.string().default(''),
  calls: z.array(call).default([]),
  finish: z.string().optional(),
  usage: z.strictObject({ prompt: z.int(), completion: z.int() }).optional(),
  trouble: trouble.optional(),
  /** Times that it is given before the next one; Infinity is written as 0. */
  times: z.int().min(0).default(1),
})

export const scenarioSchema = z.strictObject({
  model: z.string().default('scripted'),
  contextTokens: z.int().optional(),
  /**
   * `openai`: calls in pieces. `ollama`: each call in one piece with index 0 and no id, its own API
   * beside. `whole`: one JSON document though a stream was asked for.
   */
  flavour: z.enum(['openai', 'ollama', 'whole']).default('openai'),
  /** The key that must be sent. */
  key: z.string().optional(),
  /** Fields that make it refuse a request. */
  refuses: z.array(z.string()).default([]),
  /** Bytes per piece on the wire; 0: as they come. */
  pieceBytes: z.int().min(0).default(0),
  /** Whether the stream ends with `[DONE]`. */
  done: z.boolean().default(true),
  answers: z.array(answer).max(1_000),
})

export type ScenarioInput = z.input<typeof scenarioSchema>
export type Scenario = z.output<typeof scenarioSchema>
export type ScriptedAnswer = Scenario['answers'][number]

const message = z.looseObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string(),
  tool_call_id: z.string().optional(),
  tool_calls: z
    .array(
      z.looseObject({
        id: z.string().min(1),
        type: z.literal('function'),
        function: z.looseObject({
          name: z.string().regex(/^[\w-]{1,64}$/),
          arguments: z.string().refine(isJson, 'is not JSON'),
        }),
      }),
    )
    .min(1)
    .optional(),
})

/** What a request must look like, as strictly as the strictest server takes it. */
export const requestSchema = z
  .looseObject({
    model: z.string(),
    stream: z.literal(true),
    messages: z.array(message).min(2),
    tools: z.array(
      z.looseObject({
        type: z.literal('function'),
        function: z.looseObject({
          name: z.string(),
          description: z.string(),
          parameters: z.looseObject({ type: z.literal('object') }),
        }),
      }),
    ),
  })
  .superRefine(({ messages }, context) => {
    const open = new Set<string>()
    for (const { role, tool_calls: calls = [], tool_call_id: id = '' } of messages) {
      if (role === 'tool' && !open.delete(id)) {
        context.addIssue({ code: 'custom', message: `a result for ${id} without a call` })
      }
      if (role !== 'tool' && open.size > 0) {
        context.addIssue({ code: 'custom', message: 'a call without a result' })
      }
      for (const called of calls) {
        if (open.has(called.id)) context.addIssue({ code: 'custom', message: 'an id twice' })
        open.add(called.id)
      }
    }
    if (open.size > 0) context.addIssue({ code: 'custom', message: 'a call without a result' })
  })

export type ModelRequest = z.output<typeof requestSchema>

/** What is not as expected, or undefined. */
export function unexpected(
  request: ModelRequest,
  { expect = {} }: Pick<ScriptedAnswer, 'expect'>,
): string | undefined {
  const { messages, tools } = request
  const last = messages.at(-1)
  const offered = tools.map((tool) => tool.function.name)
  if (expect.role !== undefined && last?.role !== expect.role) return `the last is ${last?.role}`
  if (expect.last !== undefined && last?.content.includes(expect.last) !== true) {
    return `the last message does not hold "${expect.last}", but: ${last?.content}`
  }
  const holds = (text: string) => messages.some((one) => one.content.includes(text))
  if (expect.somewhere !== undefined && !holds(expect.somewhere)) {
    return `no message holds "${expect.somewhere}"`
  }
  if (expect.nowhere !== undefined && holds(expect.nowhere)) {
    return `a message holds "${expect.nowhere}"`
  }
  const missing = expect.tools?.find((name) => !offered.includes(name))
  if (missing !== undefined) return `the tool ${missing} is not offered, but ${offered.join(', ')}`
  if (messages.length > (expect.messagesAtMost ?? Infinity)) return `${messages.length} messages`
  return undefined
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
