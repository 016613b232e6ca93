/**
 * HTTP over the agent's socket, with node:http alone: one request a connection, every wait with a
 * deadline, every answer with a size limit. What the agent answers is trusted no further than to
 * be JSON within the limits; callers check the shape.
 */
import { request, type IncomingMessage } from 'node:http'
import { CodedError, CommonError, hasCode, withDeadline } from '../util/index.ts'
import { ApiError } from './errors.ts'
import { notRunning } from './not-running.ts'

/** Largest answer that is read into memory, bytes. A verification of 10,000 journals has 4 MB. */
export const maxAnswerBytes = 64 * 1024 * 1024
/** Longest line of a stream, bytes. An entry has at most 32 KiB; escaped, at most 6 times that. */
export const maxLineBytes = 256 * 1024

export interface Call {
  /** Whose socket it is; absent for that of a task's tools. */
  home?: string
  socketPath: string
  method: 'GET' | 'POST'
  path: string
  headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  body?: unknown
  signal?: AbortSignal | undefined
  /** Until the answer's head, and for each wait for more of it, ms. */
  timeoutMs: number
}

/** One answer as parsed JSON (undefined for an empty one). Errors: those of `connect`. */
export async function callJson(call: Call): Promise<unknown> {
  const { text, status } = await callText(call)
  if (status >= 200 && status < 300) return parse(text)
  throw refusal(text, status)
}

/** One answer of any status as text. */
export async function callText(call: Call): Promise<{ status: number; text: string }> {
  return withDeadline(
    'the answer of the agent',
    call.timeoutMs,
    async (signal) => {
      const response = await open(call, signal)
      try {
        return { status: response.statusCode ?? 0, text: await readAll(response, call) }
      } finally {
        response.destroy()
      }
    },
    { signal: call.signal },
  )
}

/** What an answer of one line says that came when it was ready. Errors: those of `connect`. */
export async function replyOf<T>(call: Call): Promise<T> {
  for await (const line of callLines(call)) {
    if (isObject(line) && isObject(line['reply'])) return line['reply'] as T
  }
  if (call.signal?.aborted === true) throw new CommonError('ABORTED', 'The operation was aborted.')
  throw gone(call)
}

/** The lines of an answer, parsed. Ends when the agent ends it or the signal fires. */
export async function* callLines(call: Call): AsyncGenerator {
  const gone = new AbortController()
  const onAbort = () => gone.abort()
  const cancelled = () => call.signal?.aborted === true
  if (cancelled()) return
  call.signal?.addEventListener('abort', onAbort, { once: true })
  let response: IncomingMessage | undefined
  try {
    response = await withDeadline('the answer of the agent', call.timeoutMs, () =>
      open(call, gone.signal),
    )
    if (response.statusCode !== 200)
      throw refusal(await readAll(response, call), response.statusCode)
    for await (const line of lines(response, call)) yield line
  } catch (error) {
    if (!cancelled()) throw error
  } finally {
    call.signal?.removeEventListener('abort', onAbort)
    gone.abort()
    response?.destroy()
  }
}

async function* lines(response: IncomingMessage, call: Call): AsyncGenerator {
  let rest: Buffer[] = []
  let size = 0
  for await (const chunk of chunks(response, call)) {
    let from = 0
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      rest.push(chunk.subarray(from, at))
      size += at - from
      checkLine(size)
      const text = Buffer.concat(rest).toString('utf8')
      rest = []
      size = 0
      from = at + 1
      if (text === '') continue
      const value = parse(text)
      if (isObject(value) && value['type'] === undefined && value['error'] !== undefined) {
        throw refusal(text, undefined)
      }
      yield value
    }
    rest.push(chunk.subarray(from))
    size += chunk.length - from
    checkLine(size)
  }
  if (size > 0) throw bad('The last line of the answer is cut.')
}

function checkLine(bytes: number): void {
  if (bytes <= maxLineBytes) return
  throw bad(`A line of the answer is longer than ${maxLineBytes} bytes.`)
}

/** Only waiting for the agent counts towards the deadline, not the caller's own work. */
async function* chunks(response: IncomingMessage, call: Call): AsyncGenerator<Buffer> {
  const iterator = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  for (;;) {
    const result = await withDeadline('the next part of the answer', call.timeoutMs, () =>
      iterator.next(),
    ).catch(async (error: unknown) => {
      throw await translate(error, call)
    })
    if (result.done === true) return
    yield result.value
  }
}

async function readAll(response: IncomingMessage, call: Call): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunks(response, call)) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw bad(`The answer is larger than ${maxAnswerBytes} bytes.`)
    parts.push(chunk)
  }
  return Buffer.concat(parts).toString('utf8')
}

async function open(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
  const { socketPath, method, path, body } = call
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const headers = { ...call.headers, ...type }
  try {
    return await new Promise((resolve, reject) => {
      const sent = request({ socketPath, method, path, headers, signal, agent: false }, resolve)
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  } catch (error) {
    throw await translate(error, call)
  }
}

async function translate(error: unknown, { home, socketPath }: Call): Promise<unknown> {
  if (error instanceof CodedError) return error
  if (home !== undefined && ABSENT.some((code) => hasCode(error, code))) {
    return notRunning(home, error)
  }
  if (hasCode(error, 'EACCES') || hasCode(error, 'EPERM')) {
    return new ApiError('SOCKET_UNSAFE', `This user may not open ${socketPath}.`, {
      data: { path: socketPath },
      next: 'Run the command as the user whose agent it is.',
      cause: error,
    })
  }
  if (hasCode(error, 'ABORT_ERR')) {
    return new CommonError('ABORTED', 'The operation was aborted.', { cause: error })
  }
  return gone({ home }, error)
}

const ABSENT = ['ENOENT', 'ECONNREFUSED', 'ENOTDIR']

function gone({ home }: { home?: string | undefined }, cause?: unknown): ApiError {
  const why = cause === undefined ? {} : { cause }
  if (home === undefined) {
    return new ApiError('AGENT_GONE', 'The task is over, or its agent has ended.', why)
  }
  return new ApiError('AGENT_GONE', 'The agent ended before it had answered.', {
    data: { home },
    next: 'Look whether it runs with `bzzz status`.',
    ...why,
  })
}

function refusal(text: string, status: number | undefined): CodedError {
  const value = parse(text)
  const error = isObject(value) ? value['error'] : undefined
  if (!isObject(error) || typeof error['code'] !== 'string') {
    return bad(`The agent answered ${status ?? 'an error'} without saying why.`)
  }
  const { message, next, data } = error
  return new CodedError(error['code'], String(message), {
    ...(typeof next === 'string' ? { next } : {}),
    ...(isObject(data) ? { data } : {}),
  })
}

function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw bad('The answer is not JSON.', cause)
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function bad(message: string, cause?: unknown): ApiError {
  return new ApiError('BAD_ANSWER', message, {
    next: 'Check that the agent and this command have the same version: `bzzz version`.',
    ...(cause === undefined ? {} : { cause }),
  })
}
