/**
 * Asking a model, by the official `openai` package: it knows the protocol's stream, its errors and
 * when to ask again, has no dependencies, and hands chunks on as they are, so that what servers make
 * of tool calls is ours to put together. (`ai` with `@ai-sdk/openai-compatible` was the other
 * choice: it brings a loop and types of its own, and is strict about what a tool call must look like
 * where Ollama and others are not.) It is loaded when the first task needs it: that takes a while.
 *
 * It never sees the key, the environment's variables do not reach it, and all it sends goes through
 * guard.ts.
 */
import type { OpenAI } from 'openai'
import type { Secret } from '../../../secrets/index.ts'
import type { ChatConfig } from '../../config.ts'
import { createAssembler, type Answer } from './assemble.ts'
import type { Message } from './conversation.ts'
import { openGuard } from './guard.ts'
import { describeTrouble } from './describe.ts'
import { ModelTrouble } from './trouble.ts'

/** Times that the SDK asks again by itself. */
const RETRIES = 2
/** Above any wall time; the task's limits come first. */
const REQUEST_MS = 24 * 3_600_000

export interface Tool {
  name: string
  description: string
  /** JSON schema. */
  parameters: Record<string, unknown>
}

export interface Ask {
  messages: readonly Message[]
  tools: readonly Tool[]
  signal: AbortSignal
  /** Called with each piece of text, and the size of what came. */
  onPiece: (piece: { text: string; size: number }) => void
}

export interface Endpoint {
  /** Errors: `ModelTrouble`, also when the signal fires. */
  ask(request: Ask): Promise<Answer>
  /** HTTP requests until now, repeated ones included. */
  readonly requests: number
  close(): Promise<void>
}

export interface EndpointInit {
  config: Pick<ChatConfig, 'url' | 'model' | 'maxOutputTokens' | 'temperature' | 'name'>
  key?: Secret
  now: () => number
}

export async function openEndpoint({ config, key, now }: EndpointInit): Promise<Endpoint> {
  const { OpenAI } = await import('openai')
  const guard = openGuard({ url: config.url, now, ...(key === undefined ? {} : { key }) })
  const client = new OpenAI({
    apiKey: 'sent-elsewhere',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL: config.url.replace(/\/+$/, ''),
    fetch: guard.fetch,
    maxRetries: RETRIES,
    timeout: REQUEST_MS,
    logLevel: 'off',
  })
  /** Fields that this server turned out not to know. */
  const unknown = new Set<string>()

  async function once({ messages, tools, signal, onPiece }: Ask): Promise<Answer> {
    const assembler = createAssembler()
    const stream = await client.chat.completions.create(
      {
        model: config.model,
        messages: messages as OpenAI.ChatCompletionMessageParam[],
        tools: tools.map((tool) => ({ type: 'function', function: { ...tool } })),
        stream: true,
        ...(unknown.has('stream_options') ? {} : { stream_options: { include_usage: true } }),
        ...(unknown.has('max_tokens')
          ? { max_completion_tokens: config.maxOutputTokens }
          : { max_tokens: config.maxOutputTokens }),
        ...(config.temperature === undefined || unknown.has('temperature')
          ? {}
          : { temperature: config.temperature }),
      },
      { signal },
    )
    for await (const chunk of stream) {
      onPiece(assembler.push(chunk))
    }
    // The SDK ends the stream without a word when its signal fires.
    if (signal.aborted) throw new ModelTrouble('broken', 'The request was ended.')
    const answer = assembler.answer()
    if (answer.finish === undefined && answer.calls.length === 0) {
      throw new ModelTrouble('broken', 'Its answer broke off.')
    }
    return answer
  }

  return {
    async ask(request) {
      for (;;) {
        try {
          return await once(request)
        } catch (error) {
          const trouble =
            guard.trouble ??
            describeTrouble(error, {
              config,
              now: now(),
              ...(key === undefined ? {} : { key }),
            })
          const { field } = trouble
          if (trouble.kind !== 'unsupported' || field === undefined || unknown.has(field)) {
            throw trouble
          }
          unknown.add(field)
        }
      }
    },
    get requests() {
      return guard.requests
    },
    close: () => guard.close(),
  }
}
