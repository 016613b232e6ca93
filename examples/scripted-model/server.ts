/**
 * A model endpoint that follows a script: OpenAI's chat completions with streaming and tool calls, a
 * list of models, and as much of Ollama's own API as a client asks. For tests, and for trying what a
 * setup does without a model. It listens on this machine only.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  requestSchema,
  scenarioSchema,
  unexpected,
  type ModelRequest,
  type Scenario,
  type ScenarioInput,
  type ScriptedAnswer,
} from './scenario.ts'
import { chunksOf, wholeOf } from './stream.ts'

const MAX_REQUEST_BYTES = 64 * 1024 * 1024

export interface ModelServer {
  /** Base URL: "http://127.0.0.1:41234/v1". */
  url: string
  /** Chat requests, in order. */
  requests: ModelRequest[]
  /** `authorization` of each HTTP request, and its path. */
  seen: { path: string; authorization: string | undefined }[]
  /** Headers of the chat requests. */
  headers: IncomingHttpHeaders[]
  /** What was not as expected; empty when all went by the script. */
  problems: string[]
  /** Chat requests that are being answered. */
  readonly open: number
  close(): Promise<void>
}

export async function startModelServer(input: ScenarioInput, port = 0): Promise<ModelServer> {
  const scenario = scenarioSchema.parse(input)
  const answers = scenario.answers.map((answer) => ({ answer, left: answer.times || Infinity }))
  const seen: ModelServer['seen'] = []
  const requests: ModelRequest[] = []
  const headers: IncomingHttpHeaders[] = []
  const problems: string[] = []
  const ending = new AbortController()
  let open = 0

  function next(request: ModelRequest): ScriptedAnswer | string {
    const fits = ({ when }: ScriptedAnswer) =>
      when === undefined || request.messages.some(({ content }) => content.includes(when))
    const entry = answers.find(({ left, answer }) => left > 0 && fits(answer))
    if (entry === undefined) return 'the script has no answer left'
    entry.left -= 1
    return unexpected(request, entry.answer) ?? entry.answer
  }

  async function complete(body: string, response: ServerResponse): Promise<void> {
    const parsed = requestSchema.safeParse(JSON.parse(body))
    const refuse = (problem: string) => {
      problems.push(problem)
      json(response, 400, { error: { message: problem, type: 'invalid_request_error' } })
    }
    if (!parsed.success) return refuse(parsed.error.issues.map((one) => one.message).join('; '))
    const request = parsed.data
    const refused = scenario.refuses.find((field) => field in request)
    if (refused !== undefined) {
      const message = `Unsupported parameter: '${refused}' is not supported with this model.`
      return json(response, 400, { error: { message, param: refused, code: 'unsupported' } })
    }
    requests.push(request)
    const answer = next(request)
    if (typeof answer === 'string') return refuse(answer)
    await sleep(answer.waitMs, undefined, { signal: ending.signal })
    if (!fail(answer, response)) await stream(answer, request, response)
  }

  /** Troubles instead of a stream. */
  function fail({ trouble }: ScriptedAnswer, response: ServerResponse): boolean {
    if (trouble === 'html') {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>')
    } else if (trouble === 'redirect') {
      response.writeHead(302, { location: 'http://192.0.2.1/v1/chat/completions' }).end()
    } else if (trouble === 'hang-up') response.destroy()
    else if (typeof trouble === 'object') {
      json(response, trouble.status, trouble.body ?? {}, trouble.headers)
    } else return false
    return true
  }

  async function stream(
    answer: ScriptedAnswer,
    request: ModelRequest,
    response: ServerResponse,
  ): Promise<void> {
    if (scenario.flavour === 'whole') return json(response, 200, wholeOf(answer, scenario))
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    const send = (text: string) => write(response, Buffer.from(text), scenario.pieceBytes)
    const { trouble } = answer
    if (trouble === 'garbage') await send('data: {"choices": [{"delta"\n\ndata: <oops>\n\n')
    if (trouble === 'shapeless') await send('data: {"choices": "none"}\n\n')
    if (trouble === 'error-event') {
      await send('data: {"error": {"message": "CUDA error", "type": "server_error"}}\n\n')
    }
    const withUsage = 'stream_options' in request || scenario.flavour === 'ollama'
    const chunks = [...chunksOf(answer, scenario, withUsage)]
    const part = trouble === undefined ? chunks : chunks.slice(0, Math.ceil(chunks.length / 2))
    for (const chunk of part) await send(`data: ${JSON.stringify(chunk)}\n\n`)
    if (trouble === 'flood') await flood(response, send)
    if (trouble === 'stall' && !response.destroyed) {
      await new Promise((resolve) => response.once('close', resolve))
    }
    if (trouble === 'cut') {
      // What was written so far shall arrive.
      await new Promise((resolve) => response.write('\n', resolve))
      return void response.destroy()
    }
    if (scenario.done) await send('data: [DONE]\n\n')
    response.end()
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const { authorization } = request.headers
    seen.push({ path, authorization })
    const body = await read(request)
    if (scenario.key !== undefined && authorization !== `Bearer ${scenario.key}`) {
      const message = `Incorrect API key provided: ${authorization ?? 'none'}`
      return json(response, 401, { error: { message, code: 'invalid_api_key' } })
    }
    if (path === '/v1/models') return json(response, 200, models(scenario))
    if (path === '/v1/chat/completions') {
      open += 1
      headers.push(request.headers)
      await complete(body, response).finally(() => (open -= 1))
      return
    }
    const own = scenario.flavour === 'ollama' ? ollama(path, scenario) : undefined
    json(response, own === undefined ? 404 : 200, own ?? { error: { message: 'not found' } })
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!ending.signal.aborted && !response.destroyed) problems.push(String(error))
      response.destroy()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    headers,
    seen,
    problems,
    get open() {
      return open
    },
    close: async () => {
      ending.abort()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function flood(response: ServerResponse, send: (text: string) => Promise<void>) {
  const piece = { choices: [{ index: 0, delta: { content: 'x'.repeat(16_384) } }] }
  while (!response.destroyed) await send(`data: ${JSON.stringify(piece)}\n\n`)
}

function models({ model, contextTokens, flavour }: Scenario): object {
  const owner = flavour === 'ollama' ? 'library' : 'scripted'
  const length =
    contextTokens === undefined || flavour === 'ollama' ? {} : { max_model_len: contextTokens }
  return { object: 'list', data: [{ id: model, object: 'model', owned_by: owner, ...length }] }
}

function ollama(path: string, { model, contextTokens = 32_768 }: Scenario): object | undefined {
  switch (path) {
    case '/api/show':
      return { capabilities: ['completion', 'tools'], model_info: { 'x.context_length': 131_072 } }
    case '/api/ps':
      return { models: [{ name: model, context_length: contextTokens }] }
    case '/api/generate':
      return { model, done: true, done_reason: 'load', response: '' }
    case '/api/tags':
      return { models: [{ name: model }] }
    default:
      return undefined
  }
}

function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

async function write(response: ServerResponse, bytes: Buffer, pieceBytes: number): Promise<void> {
  const size = pieceBytes === 0 ? bytes.length : pieceBytes
  for (let at = 0; at < bytes.length && !response.destroyed; at += size) {
    const fits = response.write(bytes.subarray(at, at + size))
    // In pieces, each must leave before the next one comes.
    if (pieceBytes > 0) await new Promise(setImmediate)
    if (fits || response.destroyed) continue
    await new Promise<void>((resolve) => {
      const settle = () => {
        response.off('drain', settle)
        response.off('close', settle)
        resolve()
      }
      response.once('drain', settle)
      response.once('close', settle)
    })
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAX_REQUEST_BYTES) throw new Error('The request is too large.')
  }
  return Buffer.concat(chunks).toString('utf8')
}
