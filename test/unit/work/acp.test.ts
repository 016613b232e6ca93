import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RequestError } from '@agentclientprotocol/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CommonError } from '../../../src/util/index.ts'
import { confinedFiles, type ConfinedFiles } from '../../../src/work/confined.ts'
import type { ExecutorEvent } from '../../../src/work/executor.ts'
import { answerWith } from '../../../src/work/executors/acp-answer.ts'
import { AcpRefusal, endingOf } from '../../../src/work/executors/acp-errors.ts'
import { decodeUpdate, turnSchema, usageOf } from '../../../src/work/executors/acp-messages.ts'
import { createSpending } from '../../../src/work/executors/acp-spending.ts'
import { createToolBook, type ToolBook } from '../../../src/work/executors/acp-wanted.ts'

describe('answerWith', () => {
  const option = (kind: 'allow_once' | 'allow_always' | 'reject_once' | 'reject_always') => ({
    optionId: kind,
    name: kind,
    kind,
  })
  const all = (['reject_always', 'reject_once', 'allow_always', 'allow_once'] as const).map(option)

  it('says it once where that is offered, and never the contrary', () => {
    expect(answerWith(all, true)).toEqual({ outcome: 'selected', optionId: 'allow_once' })
    expect(answerWith(all, false)).toEqual({ outcome: 'selected', optionId: 'reject_once' })
    const always = answerWith([option('allow_always')], true)
    expect(always).toEqual({ outcome: 'selected', optionId: 'allow_always' })
    expect(answerWith([option('allow_once')], false)).toEqual({ outcome: 'cancelled' })
    expect(answerWith([], true)).toEqual({ outcome: 'cancelled' })
  })
})

describe('decodeUpdate', () => {
  const decode = (update: unknown) => decodeUpdate({ sessionId: 's', update })?.said

  it('makes events of known updates and nothing of others', () => {
    const content = { type: 'text', text: 'a\u202eb' }
    expect(decode({ sessionUpdate: 'agent_message_chunk', content })).toEqual({
      is: 'event',
      event: { type: 'text', text: 'ab' },
    })
    const call = { sessionUpdate: 'tool_call', toolCallId: '1', title: 'Edit\nx', kind: 'edit' }
    expect(decode(call)).toEqual({
      is: 'event',
      event: { type: 'tool', id: '1', title: 'Edit x', status: 'pending', kind: 'edit' },
      call,
    })
    const entries = [{ content: 'one', status: 'completed' }, { content: 'two' }]
    expect(decode({ sessionUpdate: 'plan', entries })).toEqual({
      is: 'event',
      event: { type: 'plan', steps: ['one', 'two'], done: 1 },
    })
    const odd = [
      {},
      7,
      null,
      { sessionUpdate: 'agent_message_chunk', content: 7 },
      { sessionUpdate: 'x' },
    ]
    for (const one of odd) expect(decode(one)).toBeUndefined()
    expect(decodeUpdate('x')).toBeUndefined()
  })

  it('reads money in dollars only, and when a limit ends', () => {
    const usage = (more: object) =>
      decode({ sessionUpdate: 'usage_update', used: 1, size: 2, ...more })
    expect(usage({ cost: { amount: 0.0123, currency: 'USD' } })).toEqual({
      is: 'usage',
      costMicros: 12_300,
    })
    expect(usage({ cost: { amount: 5, currency: 'credits' } })).toEqual({ is: 'usage' })
    expect(usage({ cost: { amount: -1, currency: 'USD' } })).toEqual({ is: 'usage' })
    const _meta = { '_claude/rateLimit': { status: 'rejected', resetsAt: 1_700_000_000 } }
    expect(usage({ _meta })).toEqual({ is: 'usage', resetsAt: 1_700_000_000_000 })
    const allowed = { '_claude/rateLimit': { status: 'allowed', resetsAt: 1 } }
    expect(usage({ _meta: allowed })).toEqual({ is: 'usage' })
  })
})

describe('what a turn took', () => {
  const of = (more: object) => usageOf(turnSchema.parse({ stopReason: 'end_turn', ...more }))

  it('is read where agents tell it, with what came from a cache', () => {
    const usage = { inputTokens: 10, outputTokens: 5, cachedReadTokens: 100, cachedWriteTokens: 1 }
    expect(of({ usage })).toEqual({ inputTokens: 111, outputTokens: 5 })
    const quota = { token_count: { input_tokens: 7, output_tokens: 3 } }
    expect(of({ _meta: { quota } })).toEqual({ inputTokens: 7, outputTokens: 3 })
    expect(of({ usage: { inputTokens: -1, outputTokens: 'many' } })).toEqual({})
    expect(of({ usage: 7, _meta: 'x' })).toEqual({})
  })

  it('sums up over turns, and over processes that count from nothing again', () => {
    const events: ExecutorEvent[] = []
    const spending = createSpending((event) => events.push(event))
    spending.costs(undefined)
    spending.costs(100)
    spending.turn({ inputTokens: 10, outputTokens: 1 })
    expect(spending.take()).toEqual({ inputTokens: 10, outputTokens: 1, costMicros: 100 })
    spending.costs(30)
    spending.turn({ inputTokens: 5 })
    expect(spending.take()).toEqual({ inputTokens: 5, outputTokens: 0, costMicros: 30 })
    expect(events.at(-1)).toEqual({
      type: 'usage',
      inputTokens: 15,
      outputTokens: 1,
      costMicros: 130,
    })
  })
})

describe('endingOf', () => {
  const now = Date.UTC(2026, 0, 2, 12)
  const of = (error: unknown, more: object = {}) => endingOf(error, { before: false, now, ...more })
  const request = (code: number, message: string, data?: unknown) =>
    new RequestError(code, message, data)

  it.each<[string, Error, string]>([
    ['the protocol’s own code', request(-32000, 'x'), 'environment'],
    [
      'a kind of login',
      request(-32603, 'x', { errorKind: 'authentication_failed' }),
      'environment',
    ],
    ['a text about a login', request(-32603, 'Not logged in · Please run /login'), 'environment'],
    ['an HTTP status as code', request(429, 'Rate limit exceeded. Try again later.'), 'quota'],
    ['Claude’s kind', request(-32603, 'x', { errorKind: 'rate_limit' }), 'quota'],
    ['Claude’s bill', request(-32603, 'x', { errorKind: 'billing_error' }), 'quota'],
    ['Codex’s word', request(-32603, 'x', { codexErrorInfo: 'usageLimitExceeded' }), 'quota'],
    [
      'Codex’s object',
      request(-32603, 'x', { codexErrorInfo: { rateLimitExceeded: {} } }),
      'quota',
    ],
    ['OpenAI’s code', request(-32603, 'x', { code: 'insufficient_quota' }), 'quota'],
    ['a text', request(-32603, 'You exceeded your current quota.'), 'quota'],
    ['no such model', request(-32603, 'x', { errorKind: 'model_not_found' }), 'environment'],
    ['no network', request(-32603, 'Cannot connect to API: Unable to connect.'), 'environment'],
    [
      'a kind that is no limit, with a text like one',
      request(-32603, 'quota', { errorKind: 'model_not_found' }),
      'environment',
    ],
    ['anything else', request(-32603, 'Internal error'), 'failed'],
    ['data of any form', request(-32603, 'x', [1, { errorKind: 7 }]), 'failed'],
    ['a flood', new AcpRefusal('x', 'flood'), 'flood'],
    ['no protocol', new AcpRefusal('x'), 'failed'],
    ['a deadline', new CommonError('DEADLINE', 'x'), 'failed'],
    ['a stop', new CommonError('ABORTED', 'x'), 'aborted'],
  ])('knows %s', (_name, error, outcome) => {
    expect(of(error)?.outcome).toBe(outcome)
  })

  it('blames no task for what goes wrong before its prompt', () => {
    for (const error of [
      request(-32603, 'x'),
      new AcpRefusal('x'),
      new CommonError('DEADLINE', 'x'),
    ])
      expect(of(error, { before: true })?.outcome).toBe('environment')
    expect(of(new AcpRefusal('x', 'flood'), { before: true })?.outcome).toBe('flood')
    expect(of(new Error('The stream was closed.'))).toBeUndefined()
  })

  it.each<[string, unknown, string, object, number | undefined]>([
    ['seconds', { retryAfter: 30 }, 'rate limit', {}, now + 30_000],
    ['seconds as text', { retry_after: '30' }, 'rate limit', {}, now + 30_000],
    ['a time', { resetsAt: now / 1_000 + 60 }, 'rate limit', {}, now + 60_000],
    ['a time in the text', {}, `usage limit reached|${now / 1_000 + 60}`, {}, now + 60_000],
    ['a span in the text', {}, 'Rate limit reached, try again in 20s.', {}, now + 20_000],
    ['minutes in the text', {}, 'quota exceeded, retry after 3 minutes', {}, now + 180_000],
    ['an ISO time', {}, 'usage limit until 2026-01-02T13:00:00Z', {}, now + 3_600_000],
    ['what was told before', {}, 'rate limit', { resetsAt: now + 5_000 }, now + 5_000],
    ['the past', { resetsAt: 1 }, 'rate limit', {}, undefined],
    ['a far future', { retryAfter: 1e12 }, 'rate limit', {}, undefined],
    ['nothing', undefined, 'rate limit', {}, undefined],
  ])('reads when it may be asked again: %s', (_name, data, message, more, at) => {
    const ending = of(request(-32603, message, data), more)
    expect(ending?.outcome).toBe('quota')
    expect(ending?.retryAt).toBe(at)
  })
})

describe('what an agent wants', () => {
  let dir: string
  let files: ConfinedFiles
  let book: ToolBook
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'bzzz-wanted-'))
    mkdirSync(join(dir, 'clone/src'), { recursive: true })
    symlinkSync('/etc', join(dir, 'clone/out'))
    files = await confinedFiles(join(dir, 'clone'))
    book = createToolBook(join(dir, 'clone'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))
  const wanted = (toolCall: object) =>
    book.wanted({ sessionId: 's', options: [], toolCall: { toolCallId: 't', ...toolCall } }, files)

  it('is what the request says, and the tool call before it', async () => {
    book.note({ toolCallId: 't', kind: 'edit', title: 'Edit a', locations: [{ path: 'src/a.ts' }] })
    expect(await wanted({})).toEqual({
      kind: 'edit',
      title: 'Edit a',
      places: [{ path: 'src/a.ts', inside: true }],
    })
    const diff = { type: 'diff', path: join(dir, 'clone/src/b.ts'), newText: '' }
    expect(await wanted({ title: 'Edit b', content: [diff] })).toMatchObject({
      title: 'Edit b',
      places: [{ path: 'src/b.ts', inside: true }],
    })
  })

  it('names places outside as they are, links included', async () => {
    const places = [{ path: '/etc/passwd' }, { path: 'out/passwd' }, { path: '../x' }]
    const { places: found } = await wanted({ locations: places })
    expect(found.map(({ inside }) => inside)).toEqual([false, false, false])
    expect(found[0]?.path).toBe('/etc/passwd')
  })

  it.each([
    [{ rawInput: { command: 'npm test' } }, 'npm test'],
    [{ rawInput: { command: ['bash', '-lc', 'npm test && x'] } }, 'npm test && x'],
    [{ rawInput: { cmd: ['npm', 'test'] } }, 'npm test'],
    [{ kind: 'execute', title: '`npm test`' }, 'npm test'],
    [{ kind: 'edit', title: 'Edit it', rawInput: 7 }, undefined],
  ])('finds the command in %j', async (call, command) => {
    expect((await wanted(call)).command).toBe(command)
  })

  it('is too much when it cannot be looked at whole', async () => {
    const many = Array.from({ length: 300 }, (_, at) => ({ path: `f${at}` }))
    for (const call of [
      { locations: many },
      { title: 'x'.repeat(5_000) },
      { rawInput: { command: 'x'.repeat(5_000) } },
      { locations: [{ path: '' }] },
      { locations: [{ nonsense: true }] },
    ]) {
      expect(
        await wanted({ toolCallId: JSON.stringify(call).slice(0, 50), ...call }),
      ).toMatchObject({ tooMany: true })
    }
    expect(await wanted({ toolCallId: 'x'.repeat(2_000) })).toMatchObject({ tooMany: true })
  })
})
