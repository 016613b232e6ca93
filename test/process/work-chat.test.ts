import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ScenarioInput } from '../../examples/scripted-model/scenario.ts'
import { startModelServer, type ModelServer } from '../../examples/scripted-model/server.ts'
import { until } from '../../src/util/index.ts'
import type { ExecutorConfigInput, WorkEvent } from '../../src/work/index.ts'
import {
  CHECK,
  chore,
  createRig,
  FILES,
  FIXED,
  order,
  policy,
  runOrder,
  type Rig,
} from '../unit/work/rig.ts'

/** One for all, so that the sandbox is tried once; each test has a repository and a Work of its own. */
let rig: Rig
const servers: ModelServer[] = []
beforeAll(() => {
  rig = createRig()
})
afterAll(() => rig.close())
afterEach(async () => {
  expect(rig.processes.list()).toEqual([])
  for (const server of servers.splice(0)) await server.close()
})

const call = (name: string, args: Record<string, unknown> | string) => ({
  calls: [{ name, arguments: args }],
})
const finish = (summary: string) => call('finish', { summary })
const FIX = call('edit', { path: 'src/sum.js', old: 'a - b', new: 'a + b' })
const SPOIL = call('edit', { path: 'src/sum.js', old: 'a - b', new: 'a * b' })

async function serve(scenario: ScenarioInput): Promise<ModelServer> {
  const server = await startModelServer(scenario)
  servers.push(server)
  return server
}

interface More {
  config?: Partial<Extract<ExecutorConfigInput, { kind: 'chat' }>>
  variables?: Record<string, string>
  policy?: Parameters<typeof policy>[0]
  limits?: object
  signal?: AbortSignal
  files?: Record<string, string>
}

async function solve(server: ModelServer, more: More = {}) {
  const config = { kind: 'chat', name: 'local', url: server.url, model: 'scripted' } as const
  const work = await rig.work([{ ...config, ...more.config }], {
    variables: more.variables ?? {},
    ...(more.limits === undefined ? {} : { limits: more.limits }),
  })
  const repo = rig.repo(more.files ?? FILES)
  const what = order(repo, { policy: policy({ checks: [CHECK], ...more.policy }) })
  return runOrder(work, what, { executor: 'local' }, more.signal)
}

const ended = (events: WorkEvent[]) =>
  events.flatMap((event) => (event.type === 'executor.ended' ? [event] : []))
const said = (events: WorkEvent[]) =>
  events.flatMap((event) => (event.type === 'progress' ? [event.text] : []))
/** What the tools answered, as the last request shows it. */
const results = (server: ModelServer) =>
  server.requests
    .at(-1)!
    .messages.flatMap(({ role, content }) => (role === 'tool' ? [content] : []))

describe('a task in prose', () => {
  it('is done with tools, checked, repaired in the same conversation, and counted', async () => {
    const server = await serve({
      answers: [
        {
          says: 'I look at it.',
          ...call('list', { depth: 2 }),
          expect: { somewhere: 'It adds wrongly.', tools: ['read', 'search', 'run', 'finish'] },
        },
        { ...call('search', { text: 'a - b' }), expect: { last: 'src/sum.js' } },
        { ...call('read', { path: 'src/sum.js' }), expect: { last: 'src/sum.js:1: module' } },
        { ...SPOIL, expect: { last: '1\tmodule.exports = (a, b) => a - b' } },
        {
          ...finish('I made it multiply.'),
          expect: { last: 'Replaced 1 place.' },
          usage: { prompt: 1_000, completion: 20 },
        },
        {
          ...call('edit', { path: 'src/sum.js', old: 'a * b', new: 'a + b' }),
          expect: { role: 'user', last: '2 + 3 is not 5', somewhere: 'I look at it.' },
        },
        { ...call('run', { command: CHECK.run }), expect: { last: 'Replaced 1 place.' } },
        {
          ...finish('Now it adds.'),
          expect: { last: 'It ended with exit 0.' },
          usage: { prompt: 2_000, completion: 30 },
        },
      ],
    })
    const config = { price: { inputPerMillion: 1, outputPerMillion: 2 } }
    const { result, events } = await solve(server, { config })
    expect(server.problems).toEqual([])
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(result.summary).toBe('Now it adds.')
    expect(result.executor).toBe('local')
    expect(rig.show(result.gitDir, `${result.head}:src/sum.js`)).toBe(FIXED.trim())
    const [first, second] = ended(events)
    expect(first).toMatchObject({ executor: 'local', outcome: 'done' })
    expect(first!.usage!.inputTokens).toBeGreaterThanOrEqual(1_000)
    expect(second!.usage!.costMicros).toBe(
      second!.usage!.inputTokens! + 2 * second!.usage!.outputTokens!,
    )
    expect(said(events)).toEqual(
      expect.arrayContaining([
        'I look at it.',
        'edit src/sum.js (completed)',
        'wrote src/sum.js',
        expect.stringMatching(/^run node -e .* \(completed\)$/),
      ]),
    )
    await result.dispose()
  })

  it('may take several calls in one answer, and end without calling finish', async () => {
    const server = await serve({
      flavour: 'ollama',
      answers: [
        { calls: [...FIX.calls, ...call('write', { path: 'docs/a/b.md', content: 'x' }).calls] },
        { says: 'It adds now.', expect: { somewhere: 'Written.' } },
        { says: 'Really, it adds now.', expect: { last: 'You called no tool.' } },
      ],
    })
    const { result } = await solve(server)
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(result.summary).toBe('Really, it adds now.')
    expect(result.files.map(({ path }) => path)).toEqual(['docs/a/b.md', 'src/sum.js'])
  })
})

describe('a model that errs', () => {
  it('is told what is wrong with a call, and goes on', async () => {
    const server = await serve({
      answers: [
        call('shell', { command: 'ls' }),
        call('read', '{"path": "src/su'),
        call('read', { file: 'src/sum.js' }),
        call('read', { path: 'src/none.js' }),
        call('edit', { path: 'src/sum.js', old: 'nothing', new: 'x' }),
        call('edit', { path: 'WORKFLOW.md', old: 'a', new: 'b' }),
        call('run', { command: ['rm', '-rf', '.'] }),
        call('read', JSON.stringify(JSON.stringify({ path: 'src/sum.js' }))),
        FIX,
        finish('Done.'),
      ],
    })
    const { result } = await solve(server)
    expect(server.problems).toEqual([])
    expect(result.outcome).toBe('changed')
    expect(results(server)).toEqual([
      expect.stringContaining('There is no tool "shell". The tools are list, read, search'),
      expect.stringContaining('no JSON object'),
      expect.stringContaining('path: '),
      'This does not exist.',
      expect.stringContaining('`old` is not in src/sum.js'),
      expect.stringContaining('protected'),
      expect.stringContaining('This may not be run. Allowed are:'),
      expect.stringContaining('1\tmodule.exports'),
      'Replaced 1 place.',
    ])
  })

  it('that does nothing has the last word', async () => {
    const server = await serve({ answers: [{ says: 'I would change the sum.', times: 0 }] })
    expect((await solve(server)).result).toMatchObject({
      code: 'NO_CHANGE',
      reason: expect.stringContaining('I would change the sum.'),
    })
  })

  it('ends when it floods, and the request with it', async () => {
    const flood = await serve({ answers: [{ trouble: 'flood' }] })
    const { result } = await solve(flood, { limits: { maxOutputBytes: 200_000 } })
    expect(result).toMatchObject({ code: 'EXECUTOR_FLOOD' })
    await until('the request is over', 5_000, () => flood.open === 0)
  })

  it('reads on though its context is small, without losing the issue', async () => {
    const files = { ...FILES, 'big.txt': 'A line that says little.\n'.repeat(5_000) }
    const reads = Array.from({ length: 14 }, (_, index) => ({
      ...call('read', { path: 'big.txt', from: 1 + index * 300 }),
      expect: { somewhere: 'It adds wrongly.' },
    }))
    const server = await serve({ contextTokens: 12_000, answers: [...reads, FIX, finish('Ok')] })
    const { result } = await solve(server, { config: { maxOutputTokens: 1_000 }, files })
    expect(server.problems).toEqual([])
    expect(result.outcome).toBe('changed')
    const sizes = server.requests.map((one) => JSON.stringify(one.messages).length)
    expect(Math.max(...sizes)).toBeLessThan(45_000)
  })
})

describe('an endpoint in trouble', () => {
  const again = { 'retry-after-ms': '1' }

  it('is asked again when it passes by itself', async () => {
    const server = await serve({
      answers: [
        { trouble: { status: 503, headers: again } },
        { trouble: { status: 429, headers: again } },
        FIX,
        { trouble: 'cut' },
        { trouble: 'garbage' },
        finish('Ok'),
      ],
    })
    const { result } = await solve(server)
    expect(server.problems).toEqual([])
    expect(result.outcome).toBe('changed')
  })

  it.each([
    ['QUOTA', { status: 429, headers: { 'retry-after': '3600' } }, 'limits its use'],
    ['ENVIRONMENT', { status: 401 }, 'wants a key (401). Name the place'],
  ] as const)('ends the task as %s', async (code, trouble, words) => {
    const { result } = await solve(await serve({ answers: [{ trouble }] }))
    expect(result).toMatchObject({ code, reason: expect.stringContaining(words) })
  })

  it('that says the conversation is too long is asked once with less', async () => {
    const overflow = {
      trouble: {
        status: 400,
        body: {
          error: {
            type: 'exceed_context_size_error',
            message: 'request (9000 tokens) exceeds the available context size',
          },
        },
      },
    } as const
    const reads = Array.from({ length: 6 }, (_, index) =>
      call('read', { path: 'big.txt', from: 1 + index }),
    )
    const files = { ...FILES, 'big.txt': 'A line that says little.\n'.repeat(2_000) }
    const server = await serve({ answers: [...reads, overflow, FIX, finish('Ok')] })
    const { result } = await solve(server, { files })
    expect(result.outcome).toBe('changed')
    const before = JSON.stringify(server.requests[6]!.messages).length
    expect(JSON.stringify(server.requests[7]!.messages).length).toBeLessThan(before)
    const never = await serve({ answers: [{ ...overflow, times: 0 }] })
    expect((await solve(never)).result).toMatchObject({
      code: 'EXECUTOR_FAILED',
      reason: expect.stringContaining('exceeds the available context size'),
    })
  })

  it('that says nothing more is given up, and the request is ended', async () => {
    const server = await serve({ answers: [{ trouble: 'stall' }] })
    const { result } = await solve(server, { limits: { idleTimeMs: 400 } })
    expect(result).toMatchObject({
      code: 'EXECUTOR_TIMEOUT',
      reason: expect.stringContaining('said nothing'),
    })
    await until('the request is over', 5_000, () => server.open === 0)
  })

  it('is let go at once when the task is stopped', async () => {
    const server = await serve({ answers: [{ trouble: 'stall' }] })
    const abort = new AbortController()
    const solved = solve(server, { signal: abort.signal })
    await until('it is asked', 10_000, () => server.open === 1)
    abort.abort()
    expect((await solved).result).toMatchObject({ code: 'ABORTED' })
    await until('the request is over', 5_000, () => server.open === 0)
  })

  it('that is not there, or has another model, makes no executor', async () => {
    const server = await serve({ model: 'other', answers: [] })
    const { result } = await solve(server)
    expect(result).toMatchObject({ code: 'NO_EXECUTOR' })
    await server.close()
    expect((await solve(server)).result).toMatchObject({ code: 'NO_EXECUTOR' })
  })

  it('of Ollama that would cut the conversation without a word is not used', async () => {
    const server = await serve({ flavour: 'ollama', contextTokens: 4_096, answers: [] })
    const { result } = await solve(server)
    expect(result).toMatchObject({
      code: 'ENVIRONMENT',
      reason: expect.stringContaining('OLLAMA_CONTEXT_LENGTH'),
    })
    expect(server.requests).toEqual([])
  })
})

describe('the key', () => {
  const key = 'sk-very-secret-0123456789'

  it('goes to the endpoint and nowhere else', async () => {
    const server = await serve({
      key,
      answers: [
        FIX,
        call('run', { command: ['node', '-e', 'console.log(JSON.stringify(process.env))'] }),
        finish('Ok'),
      ],
    })
    const config = { apiKey: { env: 'MODEL_KEY' }, run: [['node', '-e', '...']] }
    const { result, events } = await solve(server, { config, variables: { MODEL_KEY: key } })
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(server.seen.every(({ authorization }) => authorization === `Bearer ${key}`)).toBe(true)
    expect(JSON.stringify([server.requests, events, result])).not.toContain(key)
    expect(results(server)[1]).toContain('"HOME"')
  })

  it('that is refused does not stand in the reason', async () => {
    const server = await serve({ key: 'another', answers: [] })
    const config = { apiKey: { env: 'MODEL_KEY' } }
    const work = await rig.work(
      [{ kind: 'chat', name: 'local', url: server.url, model: 'scripted', ...config }],
      { variables: { MODEL_KEY: key } },
    )
    expect((await work.detect()).executors).toEqual([])
  })
})

describe('what a model may do here', () => {
  it('ends at the clone: paths, links, .git, devices', async () => {
    const trap = chore(
      `const fs = require('fs'); fs.symlinkSync('/etc', 'out'); fs.symlinkSync('/etc/hostname', 'host')`,
    )
    const server = await serve({
      answers: [
        call('run', { command: trap.run }),
        call('read', { path: '../../../../etc/passwd' }),
        call('read', { path: '/etc/passwd' }),
        call('read', { path: 'out/passwd' }),
        call('read', { path: 'host' }),
        call('list', { path: 'out' }),
        call('write', { path: 'out/evil', content: 'x' }),
        call('remove', { path: 'out/passwd' }),
        call('write', { path: '.git/hooks/pre-commit', content: 'x' }),
        call('read', { path: '.GIT/config' }),
        call('list', { path: '.git' }),
        call('search', { text: 'root:' }),
        call('remove', { path: 'out' }),
        call('remove', { path: 'host' }),
        FIX,
        finish('Ok'),
      ],
    })
    const { result } = await solve(server, { policy: { chores: { trap } } })
    expect(server.problems).toEqual([])
    const [, ...tried] = results(server)
    for (const one of tried.slice(0, 10)) expect(one).toContain('outside of the workspace')
    expect(tried.slice(10)).toEqual([
      'Nothing was found.',
      'Deleted.',
      'Deleted.',
      'Replaced 1 place.',
    ])
    expect(result.outcome).toBe('changed')
    expect(existsSync('/etc/evil')).toBe(false)
    expect(readFileSync('/etc/passwd', 'utf8')).toContain('root:')
  })
})

it('leaves no file of its own in the workspace', async () => {
  const server = await serve({ answers: [FIX, finish('Ok')] })
  const { result } = await solve(server)
  if (result.outcome !== 'changed') throw new Error(result.reason)
  expect(result.files.map(({ path }) => path)).toEqual(['src/sum.js'])
  expect(existsSync(join(result.gitDir, 'chat'))).toBe(false)
})
