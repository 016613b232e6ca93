import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { serveMcp, type HelpReply, type McpConnection, type Tools } from '../../../src/mcp/index.ts'
import { replyResult } from '../../../src/mcp/results.ts'
import { CodedError, systemClock, until, type Clock } from '../../../src/util/index.ts'
import { fakeClock } from '../mesh/fake-clock.ts'
import { mcpClient, type McpClient } from './client.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

interface Served extends McpConnection {
  client: McpClient
  stdin: PassThrough
}

/** `askForHelp: undefined`: it is not there. */
type Change = { [K in keyof Tools]?: Tools[K] | undefined }

async function serve(change: Change = {}, clock: Clock = systemClock): Promise<Served> {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()]
  const tools = {
    askForHelp: async () => ({ is: 'advice', helper: 'bee', text: 'Add them.' }),
    listPeers: async () => [{ name: 'bee' }],
    showTask: async (task?: string) => ({ task: task ?? 'own' }),
    showBudget: async () => ({ left: [] }),
    ...change,
  } as Tools
  const init = { version: '1', instructions: 'Ask.' }
  const connection = serveMcp(init, { tools, stdin, stdout, clock })
  cleanups.push(() => connection.close())
  return { ...connection, stdin, client: await mcpClient(stdin, stdout) }
}

const textOf = ({ content }: { content: { text: string }[] }) => content[0]?.text ?? ''

describe('the MCP server', () => {
  it('offers its tools with schemas, and calls them', async () => {
    const { client } = await serve()
    const { result } = await client.request('tools/list')
    const tools = result?.['tools'] as { name: string; inputSchema: { required?: string[] } }[]
    expect(tools.map(({ name, inputSchema }) => [name, inputSchema.required ?? []])).toEqual([
      ['ask_for_help', ['question']],
      ['list_peers', []],
      ['show_task', []],
      ['show_budget', []],
    ])
    expect(textOf(await client.call('ask_for_help', { question: 'How?' }))).toMatch(
      /^bee advises\..*\n\[text ([0-9a-f]{16})\]\nAdd them\.\n\[end \1\]$/,
    )
    expect(JSON.parse(textOf(await client.call('show_task', { task: 'octo/lib#4' })))).toEqual({
      task: 'octo/lib#4',
    })
    expect(JSON.parse(textOf(await client.call('list_peers')))).toEqual([{ name: 'bee' }])
    expect(JSON.parse(textOf(await client.call('show_budget')))).toEqual({ left: [] })
  })

  it('does not offer to ask where there is nothing to ask for', async () => {
    const { client } = await serve({ askForHelp: undefined })
    const { result } = await client.request('tools/list')
    expect(JSON.stringify(result)).not.toContain('ask_for_help')
  })

  it('answers what does not fit, and what goes wrong, as errors of the tool', async () => {
    const { client } = await serve({
      showTask: () =>
        Promise.reject(new CodedError('TASK_NOT_FOUND', 'No such task.', { next: 'List them.' })),
      showBudget: () => Promise.reject(new Error('secret of the inside')),
      listPeers: async () => 'x'.repeat(100_000),
    })
    const found = await client.call('show_task', {})
    expect([found.isError, textOf(found)]).toEqual([
      true,
      'No such task. List them. (TASK_NOT_FOUND)',
    ])
    const failed = await client.call('show_budget', {})
    expect([failed.isError, textOf(failed)]).toEqual([true, 'It failed (INTERNAL).'])
    for (const args of [
      {},
      { question: '' },
      { question: 'x'.repeat(4_001) },
      { question: 'x', a: 1 },
    ])
      expect(await client.call('ask_for_help', args)).toMatchObject({ isError: true })
    expect(textOf(await client.call('list_peers')).length).toBeLessThan(50_000)
  })

  it('says that it waits, and withdraws what is cancelled', async () => {
    let withdrawn = false
    const { client } = await serve({
      askForHelp: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            withdrawn = true
            reject(new CodedError('ABORTED', 'Withdrawn.'))
          })
        }),
    })
    const call = { name: 'ask_for_help', arguments: { question: 'How?' } }
    const requestId = client.send('tools/call', { ...call, _meta: { progressToken: 'p' } })
    const told = await until('progress', 10_000, () =>
      client.messages.find(({ method }) => method === 'notifications/progress'),
    )
    expect(told.params).toMatchObject({ progressToken: 'p', progress: 0 })
    client.notify('notifications/cancelled', { requestId })
    await until('it is withdrawn', 10_000, () => withdrawn)
  })

  it('answers what it has read before the end of its input', async () => {
    const answer = Promise.withResolvers<object[]>()
    const { client, stdin, ended } = await serve({ listPeers: () => answer.promise })
    const first = client.send('tools/call', { name: 'list_peers', arguments: {} })
    const last = client.send('tools/list')
    stdin.end()
    await client.answer(last)
    answer.resolve([{ name: 'bee' }])
    expect((await client.answer(first)).result).toMatchObject({
      content: [{ text: expect.stringContaining('bee') }],
    })
    await ended
  })

  it('ends at once with a client that is gone without an end', async () => {
    const { client, stdin, ended } = await serve({ listPeers: () => new Promise(() => {}) })
    client.send('tools/call', { name: 'list_peers', arguments: {} })
    stdin.destroy()
    await ended
  })

  it('ends with its client, and withdraws what was under way', async () => {
    const clock = fakeClock()
    let withdrawn = false
    let asked = false
    const { client, stdin, ended } = await serve(
      {
        askForHelp: (_, signal) =>
          new Promise((_resolve, reject) => {
            asked = true
            signal.addEventListener('abort', () => {
              withdrawn = true
              reject(new CodedError('ABORTED', 'Withdrawn.'))
            })
          }),
      },
      clock,
    )
    client.send('tools/call', { name: 'ask_for_help', arguments: { question: 'How?' } })
    await until('it has come', 10_000, () => asked)
    stdin.end()
    await until('it waits', 10_000, () => clock.waiting > 0)
    await clock.advance(9_999)
    expect(withdrawn).toBe(false)
    await clock.advance(1)
    await ended
    await until('it is withdrawn', 10_000, () => withdrawn)
  })
})

describe('what a model is told of a reply', () => {
  const cases: [HelpReply, RegExp, boolean][] = [
    [
      { is: 'patched', helper: 'bee', files: ['a.ts', 'b\nc'], note: 'Hi.' },
      /work tree now.*\n- a\.ts\n- b c\nIts note, as data:\n\[text f\]\nHi\.\n\[end f\]$/,
      false,
    ],
    [{ is: 'handed-over', helper: 'bee' }, /^bee goes on .* Stop now/, false],
    [{ is: 'refused', helper: 'bee', reason: 'No diff.' }, /cannot be used: No diff\./, true],
    [{ is: 'nobody', reason: 'All declined.' }, /^Nobody helps: All declined\./, true],
    [{ is: 'exhausted', reason: '3 of 3.' }, /used up: 3 of 3\./, true],
    [{ is: 'off', reason: 'Switched off.' }, /cannot be asked for now: Switched off\./, true],
  ]
  it.each(cases)('%j', (reply, text, isError) => {
    const result = replyResult(reply, 'f')
    const [part] = result.content
    expect(part?.type === 'text' && part.text).toMatch(text)
    expect(result.isError ?? false).toBe(isError)
  })
})
