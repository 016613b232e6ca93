/** What may be configured about a model endpoint and the loop over it. */
import { z } from 'zod'
import { urlProblem } from '../../../util/index.ts'

/** Tokens that the conversation and an answer may take together when neither the configuration nor the endpoint says. */
export const DEFAULT_CONTEXT_TOKENS = 32_768

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** True for hosts that name this machine, as `URL.hostname` writes them. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname)
}

const word = z
  .string()
  .min(1)
  .max(4_096)
  .regex(/^[^\0]*$/, 'must not hold a NUL character')
const name = z.string().min(1).max(4_096)
const price = z.number().min(0).max(1_000_000)

export const chatFields = {
  kind: z.literal('chat'),
  /** Base of an OpenAI-compatible API, with its `/v1` where it has one: "http://127.0.0.1:11434/v1". */
  url: z
    .string()
    .max(2_048)
    .superRefine((text, context) => {
      const message = urlProblem(text)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    }),
  model: z.string().regex(/^[^\p{Cc}]{1,200}$/u, 'must be 1 to 200 characters'),
  /** Where the key is. Without it none is sent. */
  apiKey: z
    .union([
      z.strictObject({ env: name }),
      z.strictObject({ file: name }),
      z.strictObject({ credential: name }),
    ])
    .optional(),
  /** Lets the conversation, with code and the key, go over plain http to another machine. */
  allowHttp: z.boolean().default(false),
  /** What the model reads and writes at most, tokens. Default: what the endpoint says, else 32,768. */
  contextTokens: z.int().min(2_048).max(10_000_000).optional(),
  /** Longest answer, tokens; it is reserved within the context. */
  maxOutputTokens: z.int().min(256).max(200_000).default(4_096),
  /** Requests to the model in one task. */
  maxRounds: z.int().min(1).max(1_000).default(120),
  /** Tokens read and written in one task, all requests together. */
  maxTokens: z.int().min(1_000).max(1_000_000_000).default(5_000_000),
  /** US dollars for a million tokens. Without it no cost is reported. */
  price: z.strictObject({ inputPerMillion: price, outputPerMillion: price }).optional(),
  /** Left to the endpoint when absent; some models refuse it. */
  temperature: z.number().min(0).max(2).optional(),
  /**
   * Programs with their arguments that the model may run beside the repository's checks and chores.
   * A last word `...` stands for any further arguments.
   */
  run: z.array(z.array(word).min(1).max(64)).max(50).default([]),
} as const

/** Plain http only to this machine, unless somebody said so. */
export function isSafeTransport({ url, allowHttp }: { url: string; allowHttp: boolean }): boolean {
  if (!URL.canParse(url)) return true
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || allowHttp || isLoopback(hostname)
}

export const UNSAFE_TRANSPORT =
  'is plain http to another machine: use https, or write allowHttp: true if nobody listens on that way'
