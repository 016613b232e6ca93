/**
 * What an error of the endpoint means, and what a person can do about it. Servers agree on little
 * beside the status: the words are looked at, too. Pure.
 * Sources: platform.openai.com/docs/guides/error-codes; llama.cpp `exceed_context_size_error`
 * (pull request 15780); vLLM "maximum context length"; Ollama "does not support tools".
 */
import { APIConnectionError, APIError } from 'openai/core/error'
import { redact, type Secret } from '../../../secrets/index.ts'
import { explain } from '../../../util/index.ts'
import { oneLine } from '../../clean.ts'
import { retryAfterMs } from './guard.ts'
import { ModelTrouble, type TroubleOptions } from './trouble.ts'

/** When a server says that its limit is used up and not until when, ms. */
export const UNKNOWN_PAUSE_MS = 5 * 60_000
/** Nothing is believed to take longer, ms. */
const MAX_PAUSE_MS = 31 * 86_400_000

const OVERFLOW =
  /context_length_exceeded|exceed_context_size|context (?:length|size|window)|maximum context|too many tokens|prompt is too long|input is too long|no user query found/i
const NO_TOOLS =
  /(?:does not|doesn't|not) support (?:tools|tool|function)|tool choice requires|--jinja|enable-auto-tool-choice/i
const EXHAUSTED = /insufficient_quota|quota|billing|credit|rate.?limit|too many requests/i
const NO_MODEL =
  /model.{0,120}(?:not found|does not exist|not exist|unknown|no longer)|model_not_found|try pulling/i
const FIELDS = ['stream_options', 'max_tokens', 'temperature'] as const

export interface DescribeInit {
  config: { name: string; url: string; model: string }
  key?: Secret
  /** Wall clock, ms since 1970. */
  now: number
}

export function describeTrouble(error: unknown, { config, key, now }: DescribeInit): ModelTrouble {
  const inner = findTrouble(error)
  if (inner !== undefined) return inner
  const clean = (text: string) => oneLine(redact(text, key === undefined ? [] : [key]), 400)
  const where = `${config.name} (${new URL(config.url).host})`
  if (error instanceof APIConnectionError || isUnreachable(error)) {
    const {
      why,
      next = `Start the server at ${config.url}, or correct \`url\` of this executor.`,
    } = unreachable(clean(explain(error)))
    return new ModelTrouble(
      'environment',
      `${where} cannot be reached: ${why}`.replace(/[.:]?$/, '.'),
      { next },
    )
  }
  if (!(error instanceof APIError)) {
    return new ModelTrouble('broken', `The answer of ${where} broke off: ${clean(explain(error))}`)
  }
  const status: unknown = error.status
  const said = clean(saidBy(error))
  const make = (kind: ModelTrouble['kind'], what: string, options: TroubleOptions = {}) =>
    new ModelTrouble(
      kind,
      `${where} ${what}${said === '' ? '' : `: ${said}`}`.replace(/[.:]?$/, '.'),
      options,
    )
  const pauseMs = retryAfterMs(error.headers, now)
  const wait = { retryAt: now + Math.min(pauseMs ?? UNKNOWN_PAUSE_MS, MAX_PAUSE_MS) }
  if (status === undefined) {
    // Within the stream there is no status: only the words say what it is.
    if (OVERFLOW.test(said)) return make('overflow', 'says that the conversation is too long')
    if (EXHAUSTED.test(said)) return make('quota', 'limits its use', wait)
    return make('broken', 'failed in the middle of its answer')
  }
  if (status === 402 || status === 429) return make('quota', 'limits its use', wait)
  if (status === 401 || status === 403) {
    return key === undefined
      ? make('environment', `wants a key (${status})`, {
          next: 'Name the place of its key in `apiKey` of this executor.',
        })
      : make('environment', `refuses the key (${status})`, {
          next: 'Correct the key that `apiKey` of this executor names.',
        })
  }
  if (status === 413 || OVERFLOW.test(said))
    return make('overflow', 'says that the conversation is too long')
  if (NO_TOOLS.test(said)) {
    return make('environment', `cannot call tools with ${config.model}`, {
      next: 'Take a model that can call tools; start llama.cpp with --jinja, vLLM with --enable-auto-tool-choice.',
    })
  }
  if (status === 404 || NO_MODEL.test(said)) {
    return make(
      'environment',
      `does not have ${config.model} at ${config.url} (${String(status)})`,
      {
        next: 'Correct `url` (mostly it ends with /v1) or `model` of this executor.',
      },
    )
  }
  if (status === 503 && pauseMs !== undefined) return make('quota', 'is overloaded', wait)
  if (Number(status) >= 500) {
    return make('environment', `does not work (${String(status)})`, {
      next: `Look at the log of the server at ${config.url}.`,
    })
  }
  if (status === 400 || status === 422) {
    const parameter = typeof error.param === 'string' ? error.param : ''
    const field = FIELDS.find((one) => parameter === one || said.includes(one))
    if (field !== undefined) return make('unsupported', `does not know ${field}`, { field })
  }
  return make('failed', `refused the request (${String(status)})`)
}

/** As undici says it where no SDK is between; what breaks off later is "terminated". */
const isUnreachable = (error: unknown) =>
  error instanceof TypeError && error.message === 'fetch failed'

/** The commonest reasons in plain words; the others as undici says them. */
function unreachable(said: string): { why: string; next?: string } {
  if (said.endsWith('bad port')) {
    return {
      why: 'its port is one that no web client connects to',
      next: 'Have the server listen on another port, such as 8080, and correct `url` of this executor.',
    }
  }
  if (said.includes('ECONNREFUSED')) return { why: 'nothing listens there' }
  if (/ENOTFOUND|EAI_AGAIN/.test(said)) return { why: 'there is no host of that name' }
  return { why: said }
}

/** Our own trouble, wherever the SDK wrapped it. */
function findTrouble(error: unknown): ModelTrouble | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if (at instanceof ModelTrouble) return at
  }
  return undefined
}

function saidBy(error: APIError): string {
  const body: unknown = error.error
  const inner = typeof body === 'object' && body !== null ? body : {}
  const code = 'code' in inner && typeof inner.code === 'string' ? `${inner.code} ` : ''
  const type = 'type' in inner && typeof inner.type === 'string' ? `${inner.type} ` : ''
  // Without a body the SDK says so, or gives the empty one.
  const message = error.message
    .replace(/^\d{3} ?/, '')
    .replace(/^(?:\{\}|status code \(no body\))$/, '')
  return `${code}${type}${message}`.trim()
}
