import { existsSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { dirname } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { connectTools } from '../../../src/api/client.ts'
import { createToolServer } from '../../../src/api/index.ts'
import { BURST, MAX_BODY } from '../../../src/api/tools/limits.ts'
import { CodedError, nullLogger, until, type Clock } from '../../../src/util/index.ts'
import type { HelpReply, OpenedTools, TaskTools } from '../../../src/work/index.ts'
import { asking, peers } from './fixture.ts'

const facts = {
  task: { repo: 'octo/lib', issue: 12 },
  attempt: 2,
  title: 'Fix the sum',
  executor: 'robot',
  checks: ['test'],
  used: { wallMs: 1_000, turns: 1 },
  left: [{ limit: 'tokens', left: 5_000 }],
  requestsLeft: 2,
}
const advice: HelpReply = { is: 'advice', id: 'ab'.repeat(16), helper: 'bee', text: 'Add them.' }
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

interface Opened extends OpenedTools {
  counters: () => object
  client: ReturnType<typeof connectTools>
  now: { ms: number }
}

async function open(askHelp: TaskTools['askHelp'] = async () => advice): Promise<Opened> {
  const now = { ms: 0 }
  const clock: Clock = { now: () => now.ms, monotonic: () => now.ms, after: () => () => undefined }
  const server = createToolServer({ peers: () => [...peers, asking], logger: nullLogger, clock })
  const opened = await server.open({ facts: () => facts, askHelp }, { root: '/nowhere' })
  cleanups.push(() => opened.close())
  const { socket, token } = opened
  return {
    ...opened,
    counters: () => server.counters(),
    client: connectTools({ socket, token }),
    now,
  }
}

interface Raw {
  status: number
  code: string
}

function raw(
  socketPath: string,
  path: string,
  { token, method = 'GET', body }: { token?: string; method?: string; body?: string } = {},
): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const sent = request({ socketPath, path, method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('error', reject).on('end', () => {
        const parsed = (text === '' ? {} : JSON.parse(text)) as { error?: { code: string } }
        resolve({ status: response.statusCode ?? 0, code: parsed.error?.code ?? '' })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const ask = (body: unknown, token: string) => ({
  method: 'POST',
  token,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

describe('the socket of a task', () => {
  it('says four things to whoever has its token', async () => {
    const { client, counters } = await open()
    const { used, left, requestsLeft, ...task } = facts
    expect(await client.task()).toEqual(task)
    expect(await client.budget('Octo/Lib#12')).toEqual({
      task: facts.task,
      used,
      left,
      requestsLeft,
    })
    expect(await client.peers()).toEqual([
      {
        name: 'bee',
        presence: 'alive',
        connected: true,
        roles: ['worker'],
        slots: null,
        offers: [],
      },
    ])
    expect(await client.ask({ question: 'How?', needs: ['gpu'], want: ['advice'] })).toEqual(advice)
    expect(counters()).toEqual({
      'used.task': 1,
      'used.budget': 1,
      'used.peers': 1,
      'used.ask': 1,
    })
  })

  it('refuses and counts other tokens, other tasks, other things, and what is too large', async () => {
    const { socket, token, counters } = await open()
    const other = await open()
    const answers = [
      await raw(socket, '/v1/task'),
      await raw(socket, '/v1/task', { token: other.token }),
      await raw(socket, '/v1/task?task=octo%2Flib%2313', { token }),
      await raw(socket, '/v1/ask', ask({ question: 'How?', task: 'octo/app#12' }, token)),
      await raw(socket, '/api/v1/status', { token }),
      await raw(socket, '/v1/task', { token, method: 'DELETE' }),
      await raw(socket, '/v1/task?all=1', { token }),
      await raw(socket, '/v1/ask', ask({ question: ' ' }, token)),
      await raw(socket, '/v1/ask', ask('{', token)),
      await raw(socket, '/v1/ask', ask({ question: 'x'.repeat(4_001) }, token)),
      await raw(socket, '/v1/ask', ask({ question: 'x'.repeat(MAX_BODY) }, token)),
    ]
    expect(answers.map(({ status, code }) => `${status} ${code}`)).toEqual([
      '401 TOKEN_WRONG',
      '401 TOKEN_WRONG',
      '403 OTHER_TASK',
      '403 OTHER_TASK',
      '404 ROUTE_NOT_FOUND',
      '404 ROUTE_NOT_FOUND',
      '400 INVALID_PARAMETER',
      '400 INVALID_PARAMETER',
      '400 INVALID',
      '400 INVALID_PARAMETER',
      '413 TOO_LARGE',
    ])
    expect(counters()).toEqual({
      'refused.token': 2,
      'refused.task': 2,
      'refused.form': 6,
      'refused.size': 1,
    })
  })

  it('answers a burst, then two requests a second', async () => {
    const { client, now, counters } = await open()
    for (let count = 0; count < BURST; count += 1) await client.task()
    await expect(client.task()).rejects.toMatchObject({ code: 'TOO_MANY' })
    now.ms += 1_000
    await client.task()
    await client.task()
    await expect(client.task()).rejects.toMatchObject({ code: 'TOO_MANY' })
    expect(counters()).toEqual({ 'used.task': BURST + 2, 'refused.rate': 2 })
  })

  it('has one request for help at once, which its client can withdraw', async () => {
    let withdrawn = false
    let asked = 0
    const { client, counters } = await open(
      (_, signal) =>
        new Promise((_resolve, reject) => {
          asked += 1
          signal?.addEventListener('abort', () => {
            withdrawn = true
            reject(new CodedError('ABORTED', 'Withdrawn.'))
          })
        }),
    )
    const stop = new AbortController()
    const first = client.ask({ question: 'How?' }, stop.signal)
    first.catch(() => undefined)
    await until('the request has come', 10_000, () => asked === 1)
    await expect(client.ask({ question: 'And?' })).rejects.toMatchObject({ code: 'ASK_BUSY' })
    stop.abort()
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' })
    await until('it is withdrawn', 10_000, () => withdrawn)
    expect(counters()).toEqual({ 'used.ask': 1, 'refused.busy': 1 })
  })

  it('passes on what does not fit, as the task says it', async () => {
    const data = { field: 'needs' }
    const { client } = await open(() =>
      Promise.reject(new CodedError('HELP_WANTED_INVALID', 'No.', { data, next: 'Else.' })),
    )
    await expect(client.ask({ question: 'How?' })).rejects.toMatchObject({
      code: 'HELP_WANTED_INVALID',
      data,
      next: 'Else.',
    })
  })

  it('is nobody else’s, and gone with what was under way when the task ends', async () => {
    let withdrawn = false
    const opened = await open(
      (_, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            withdrawn = true
            reject(new CodedError('ABORTED', 'Withdrawn.'))
          })
        }),
    )
    const { client, socket } = opened
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700)
    const asked = client.ask({ question: 'How?' })
    asked.catch(() => undefined)
    await client.task()
    await Promise.all([opened.close(), opened.close()])
    await expect(asked).rejects.toMatchObject({ code: 'AGENT_GONE' })
    await expect(client.task()).rejects.toMatchObject({ code: 'AGENT_GONE' })
    expect([withdrawn, existsSync(dirname(socket))]).toEqual([true, false])
  })
})
