/**
 * The one way out to a model endpoint: only to the configured origin, only with our own headers, the
 * key added at the last moment, no redirect followed, errors read up to a limit, answers cut off
 * beyond one. It also decides what the SDK may ask again by itself: what passes within seconds.
 *
 * undici's own fetch instead of Node's, because a local model may think for longer than the five
 * minutes after which Node's gives up on a silent server; silence is bounded by the idle time of the
 * task instead.
 */
import { Agent, fetch as undiciFetch, Response as UndiciResponse } from 'undici'
import type { Secret } from '../../../secrets/index.ts'
import { ModelTrouble } from './trouble.ts'

/** Of one answer as it comes over the wire; the protocol needs about 250 bytes per token. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const MAX_ERROR_BYTES = 64 * 1024
/** Of a list of models and the like; one more byte makes it no JSON. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
const EVENTS = { 'content-type': 'text/event-stream' }
const CONNECT_MS = 10_000
/** Longest pause that is waited out on the spot; a longer one is a matter of quota. */
export const MAX_PAUSE_MS = 20_000
const EXHAUSTED = /insufficient_quota|quota exceeded|exceeded your current quota|billing|credit/i

export interface GuardInit {
  /** Base URL. */
  url: string
  key?: Secret
  /** Wall clock, ms since 1970. */
  now: () => number
}

export interface Guard {
  fetch: typeof globalThis.fetch
  /** Requests that went out. */
  readonly requests: number
  /** What the last request met that is no answer of an API; for it the SDK was given a plain 400. */
  readonly trouble: ModelTrouble | undefined
  /** Ends what runs and closes all connections. */
  close(): Promise<void>
}

export function openGuard({ url, key, now }: GuardInit): Guard {
  const { origin } = new URL(url)
  const dispatcher = new Agent({
    connect: { timeout: CONNECT_MS },
    headersTimeout: 0,
    bodyTimeout: 0,
    connections: 4,
  })
  let requests = 0
  let trouble: ModelTrouble | undefined

  /** The SDK would ask again after an exception, and hide it. */
  function refuse(met: ModelTrouble): UndiciResponse {
    trouble = met
    return new UndiciResponse('{}', { status: 400, headers: { 'x-should-retry': 'false' } })
  }

  async function guarded(
    input: string | URL | Request,
    init: RequestInit = {},
  ): Promise<UndiciResponse> {
    trouble = undefined
    const target = new URL(input instanceof Request ? input.url : input)
    if (target.origin !== origin) {
      return refuse(
        new ModelTrouble('environment', `A request to ${target.origin} was not let out.`),
      )
    }
    requests += 1
    const response = await undiciFetch(target, {
      method: init.method ?? 'GET',
      headers: {
        accept: init.body === undefined ? 'application/json' : 'text/event-stream',
        'user-agent': 'bzzz',
        ...(init.body === undefined || init.body === null
          ? {}
          : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key.reveal()}` }),
      },
      ...(typeof init.body === 'string' ? { body: init.body } : {}),
      ...(init.signal === undefined || init.signal === null ? {} : { signal: init.signal }),
      redirect: 'manual',
      dispatcher,
    })
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel()
      const to = response.headers.get('location') ?? 'another place'
      return refuse(
        new ModelTrouble('environment', `It redirects to ${to.slice(0, 200)}.`, {
          next: 'Write the address that answers itself into `url`.',
        }),
      )
    }
    if (!response.ok) return failure(response, now())
    const streams = target.pathname.endsWith('/chat/completions')
    const passed = await (streams ? asStream(response) : asDocument(response))
    return passed instanceof ModelTrouble ? refuse(passed) : passed
  }

  return {
    fetch: guarded,
    get requests() {
      return requests
    },
    get trouble() {
      return trouble
    },
    close: () => dispatcher.destroy(),
  }
}

/** An error with a bounded body and, for the SDK, whether asking again may help. */
async function failure(response: UndiciResponse, now: number): Promise<UndiciResponse> {
  const text = await readText(response.body, MAX_ERROR_BYTES)
  const headers = new Headers()
  for (const name of ['content-type', 'retry-after', 'retry-after-ms']) {
    const value = response.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  const again = mayAskAgain(response.status, retryAfterMs(headers, now), text)
  headers.set('x-should-retry', String(again))
  return new UndiciResponse(text, { status: response.status, headers: [...headers] })
}

/** Pure. `pauseMs`: what the server asks for, if it does. */
export function mayAskAgain(status: number, pauseMs: number | undefined, text: string): boolean {
  if (status === 429 && EXHAUSTED.test(text)) return false
  if (pauseMs !== undefined && pauseMs > MAX_PAUSE_MS) return false
  return status === 408 || status === 409 || status === 429 || status >= 500
}

/** What `retry-after` asks for, ms from now. */
export function retryAfterMs(
  headers: Pick<Headers, 'get'> | undefined,
  now: number,
): number | undefined {
  const precise = headers?.get('retry-after-ms') ?? ''
  if (/^\d+(?:\.\d+)?$/.test(precise)) return Number(precise)
  const said = headers?.get('retry-after') ?? ''
  if (/^\d+(?:\.\d+)?$/.test(said)) return Number(said) * 1_000
  const at = Date.parse(said)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

/** A stream of events; an answer in one piece becomes one with a single event. */
async function asStream(response: UndiciResponse): Promise<UndiciResponse | ModelTrouble> {
  const type = typeOf(response)
  const { body } = response
  if (type === 'application/json') {
    // Line breaks in JSON stand between its parts only, and would end the event.
    const line = (await readText(body, MAX_ANSWER_BYTES)).replace(/[\r\n]+/g, ' ')
    return new UndiciResponse(`data: ${line}\n\n`, { headers: EVENTS })
  }
  if (type !== 'text/event-stream' || body === null) return noApi(response)
  let bytes = 0
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes <= MAX_ANSWER_BYTES) controller.enqueue(chunk)
      else controller.error(new ModelTrouble('broken', 'Its answer is larger than 64 MiB.'))
    },
  })
  return new UndiciResponse(body.pipeThrough(counting), { headers: EVENTS })
}

async function asDocument(response: UndiciResponse): Promise<UndiciResponse | ModelTrouble> {
  if (typeOf(response) !== 'application/json') return noApi(response)
  const text = await readText(response.body, MAX_DOCUMENT_BYTES)
  return new UndiciResponse(text, { headers: { 'content-type': 'application/json' } })
}

async function noApi(response: UndiciResponse): Promise<ModelTrouble> {
  await response.body?.cancel()
  const type = typeOf(response)
  const what = type === '' ? 'no content type' : `"${type.slice(0, 80)}"`
  return new ModelTrouble('environment', `It answers with ${what} where an API would with JSON.`, {
    next: 'Write the base of an OpenAI-compatible API into `url`; mostly it ends with /v1.',
  })
}

const typeOf = (response: UndiciResponse): string =>
  (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''

async function readText(body: UndiciResponse['body'], limit: number): Promise<string> {
  if (body === null) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    bytes += chunk.byteLength
    if (bytes > limit) break
  }
  return Buffer.concat(chunks).subarray(0, limit).toString('utf8')
}
