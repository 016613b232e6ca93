import { afterEach, describe, expect, it } from 'vitest'
import type { ScenarioInput } from '../../../../examples/scripted-model/scenario.ts'
import { startModelServer, type ModelServer } from '../../../../examples/scripted-model/server.ts'
import { Secret } from '../../../../src/secrets/index.ts'
import { until } from '../../../../src/util/index.ts'
import { openEndpoint } from '../../../../src/work/executors/chat/endpoint.ts'
import { mayAskAgain, retryAfterMs } from '../../../../src/work/executors/chat/guard.ts'
import { lookAtEndpoint } from '../../../../src/work/executors/chat/look.ts'
import { createToolbox } from '../../../../src/work/executors/chat/tools/table.ts'
import { ModelTrouble } from '../../../../src/work/executors/chat/trouble.ts'

const NOW = 1_800_000_000_000
const now = () => NOW
const servers: ModelServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function serve(scenario: ScenarioInput) {
  const server = await startModelServer(scenario)
  servers.push(server)
  return server
}
const configOf = ({ url }: { url: string }) =>
  ({ name: 'local', url, model: 'scripted', maxOutputTokens: 500 }) as const
const { tools } = createToolbox({ checks: [], chores: {}, operator: [['make', '...']] })

async function ask(server: ModelServer, key?: Secret, signal = new AbortController().signal) {
  const endpoint = await openEndpoint({
    config: configOf(server),
    now,
    ...(key === undefined ? {} : { key }),
  })
  const messages = [
    { role: 'system', content: 'Rules.' },
    { role: 'user', content: 'Do it.' },
  ] as const
  try {
    return await endpoint.ask({ messages, tools, signal, onPiece: () => {} })
  } finally {
    await endpoint.close()
  }
}
async function troubleOf(server: ModelServer, key?: Secret): Promise<ModelTrouble> {
  const error: unknown = await ask(server, key).catch((met: unknown) => met)
  if (!(error instanceof ModelTrouble)) throw new Error('there should be trouble')
  return error
}

const body = (message: string, more: object = {}) => ({ error: { message, ...more } })
type Trouble = NonNullable<ScenarioInput['answers'][number]['trouble']>

describe('what trouble means', () => {
  it.each([
    [
      '429 for long',
      { status: 429, headers: { 'retry-after': '3600' } },
      'quota',
      'limits its use',
    ],
    [
      'no credit',
      {
        status: 429,
        body: body('You exceeded your current quota', { code: 'insufficient_quota' }),
      },
      'quota',
      'exceeded your current quota',
    ],
    ['402', { status: 402 }, 'quota', 'limits its use'],
    ['overload', { status: 503, headers: { 'retry-after': '120' } }, 'quota', 'is overloaded'],
    ['a missing key', { status: 401 }, 'environment', 'wants a key (401)'],
    ['a forbidden model', { status: 403 }, 'environment', 'wants a key (403)'],
    [
      'no such model',
      { status: 404, body: body('model "x" not found, try pulling it first') },
      'environment',
      'does not have scripted',
    ],
    [
      'no tools',
      { status: 400, body: body('registry.ollama.ai/library/x does not support tools') },
      'environment',
      'cannot call tools',
    ],
    ['an old server', { status: 501 }, 'environment', 'does not work'],
    ['HTML', 'html', 'environment', '"text/html"'],
    ['a redirect', 'redirect', 'environment', 'redirects to http://192.0.2.1'],
    ['a bad request', { status: 400, body: body('messages: wrong') }, 'failed', 'messages: wrong'],
    ['garbage', 'garbage', 'broken', 'broke off'],
    ['another shape', 'shapeless', 'broken', 'not of the protocol'],
    ['an error in the stream', 'error-event', 'broken', 'CUDA error'],
    ['a cut stream', 'cut', 'broken', 'broke off'],
    [
      'llama.cpp is full',
      { status: 400, body: body('request exceeds', { type: 'exceed_context_size_error' }) },
      'overflow',
      'too long',
    ],
    [
      'vLLM is full',
      { status: 400, body: body("This model's maximum context length is 16384 tokens.") },
      'overflow',
      'too long',
    ],
  ] satisfies [string, Trouble, ModelTrouble['kind'], string][])(
    '%s',
    async (_, trouble, kind, words) => {
      // Only the last of the SDK's tries is looked at; a pause of its own would only take time.
      const quick: Trouble =
        typeof trouble === 'object' && !('headers' in trouble)
          ? { ...trouble, headers: { 'retry-after-ms': '1' } }
          : trouble
      const server = await serve({ answers: [{ trouble: quick, times: 0 }] })
      const met = await troubleOf(server)
      expect([met.kind, met.message]).toEqual([kind, expect.stringContaining(words)])
      if (kind === 'environment') expect(met.next).toBeDefined()
      if (kind === 'quota') expect(met.retryAt).toBeGreaterThan(NOW)
      expect(server.requests.length).toBeLessThanOrEqual(3)
    },
  )

  it('says until when, as the server does', async () => {
    const answers = [{ trouble: { status: 429, headers: { 'retry-after': '3600' } } }]
    expect((await troubleOf(await serve({ answers }))).retryAt).toBe(NOW + 3_600_000)
  })

  it('is only waited out where it passes soon', () => {
    expect(mayAskAgain(429, 2_000, 'slow down')).toBe(true)
    expect(mayAskAgain(429, 60_000, 'slow down')).toBe(false)
    expect(mayAskAgain(429, undefined, 'insufficient_quota')).toBe(false)
    expect(mayAskAgain(503, undefined, 'loading model')).toBe(true)
    expect(mayAskAgain(400, 1, '')).toBe(false)
    const at = new Date(NOW + 5_000).toUTCString()
    expect(retryAfterMs(new Headers({ 'retry-after': at }), NOW)).toBe(5_000)
    expect(retryAfterMs(new Headers({ 'retry-after': 'soon' }), NOW)).toBeUndefined()
    expect(retryAfterMs(new Headers({ 'retry-after': '-5' }), NOW)).not.toBe(-5_000)
  })

  it('never repeats the key that the server repeats', async () => {
    const server = await serve({ key: 'another', answers: [] })
    const met = await troubleOf(server, new Secret('sk-secret-0123456789'))
    expect(met.message).toContain('refuses the key (401)')
    expect(met.message).toContain('Incorrect API key provided: Bearer [secret]')
    expect(JSON.stringify(met)).not.toContain('sk-secret')
  })

  it('when nobody listens it is the environment', async () => {
    const server = await serve({ answers: [] })
    await server.close()
    expect(await troubleOf(server)).toMatchObject({
      kind: 'environment',
      next: expect.stringContaining('Start the server'),
    })
  })
})

describe('an answer', () => {
  it.each([
    ['byte by byte', { pieceBytes: 1 }],
    ['as Ollama does', { flavour: 'ollama' }],
    ['in one document though a stream was asked for', { flavour: 'whole' }],
    ['without [DONE]', { done: false }],
    ['from a server that knows few fields', { refuses: ['stream_options', 'max_tokens'] }],
  ] satisfies [string, Partial<ScenarioInput>][])('is the same %s', async (_, manner) => {
    const args = { path: 'größe.txt', content: 'a\r\nb\u2028"\\' }
    const calls = [
      { name: 'write', arguments: args },
      { name: 'write', arguments: { ...args, path: 'b' } },
    ]
    const usage = { prompt: 10, completion: 5 }
    const says = 'Größe: 漢字 🐝'
    const server = await serve({ ...manner, answers: [{ thinks: 'hm', says, calls, usage }] })
    const answer = await ask(server)
    expect(server.problems).toEqual([])
    expect(answer).toMatchObject({ text: says, finish: 'tool_calls' })
    const known = 'refuses' in manner ? undefined : { inputTokens: 10, outputTokens: 5 }
    expect(answer.usage).toEqual(known)
    expect(answer.calls.map((one) => [one.name, JSON.parse(one.arguments)])).toEqual(
      calls.map((one) => [one.name, one.arguments]),
    )
  })
})

describe('what goes out', () => {
  it('is only ours: no headers of the SDK, nothing from the environment', async () => {
    process.env['OPENAI_CUSTOM_HEADERS'] = 'x-leak: yes'
    process.env['OPENAI_API_KEY'] = 'sk-not-for-them'
    const server = await serve({ answers: [{ says: 'Hi.', finish: 'stop' }] })
    await ask(server).finally(() => {
      delete process.env['OPENAI_CUSTOM_HEADERS']
      delete process.env['OPENAI_API_KEY']
    })
    expect(server.seen).toEqual([{ path: '/v1/chat/completions', authorization: undefined }])
    expect(Object.keys(server.headers[0]!).sort()).toEqual([
      'accept',
      'accept-encoding',
      'accept-language',
      'connection',
      'content-length',
      'content-type',
      'host',
      'sec-fetch-mode',
      'user-agent',
    ])
  })

  it('ends when the signal fires', async () => {
    const server = await serve({ answers: [{ trouble: 'stall' }] })
    const abort = new AbortController()
    const asked = ask(server, undefined, abort.signal)
    asked.catch(() => {})
    await until('it is asked', 10_000, () => server.open === 1)
    abort.abort()
    await expect(asked).rejects.toBeInstanceOf(ModelTrouble)
    await until('the request is over', 10_000, () => server.open === 0)
  })
})

describe('looking at an endpoint', () => {
  const look = (server: { url: string }, model = 'scripted') =>
    lookAtEndpoint({ config: { name: 'local', url: server.url, model }, now })

  it('finds its models and the context', async () => {
    expect(await look(await serve({ contextTokens: 9_000, answers: [] }))).toEqual({
      state: 'ready',
      reason: 'answers, with 1 model',
      models: ['scripted'],
      contextTokens: 9_000,
      ollama: false,
    })
    const ollama = await serve({ flavour: 'ollama', contextTokens: 4_096, answers: [] })
    expect(await look(ollama)).toMatchObject({ ollama: true, contextTokens: 4_096 })
  })

  it('says what is wrong and what to do', async () => {
    const ollama = await serve({ flavour: 'ollama', answers: [] })
    expect(await look(ollama, 'qwen3')).toMatchObject({
      state: 'unusable',
      reason: 'It does not have qwen3, but scripted.',
      next: 'Type: ollama pull qwen3',
    })
    const locked = await serve({ key: 'k', answers: [] })
    expect(await look(locked)).toMatchObject({
      state: 'unusable',
      next: expect.stringContaining('key'),
    })
    await locked.close()
    expect(await look(locked)).toMatchObject({
      state: 'unusable',
      next: expect.stringContaining('Start the server'),
    })
  })

  it('takes one that lists nothing at its word', async () => {
    const server = await serve({ answers: [] })
    expect(await look({ url: `${server.url}/v1` })).toMatchObject({ state: 'ready' })
    const short = server.url.replace('/v1', '')
    expect(await look({ url: short })).toMatchObject({
      state: 'unusable',
      next: `Write ${server.url} into \`url\` of this executor.`,
    })
  })
})
