import { execFile } from 'node:child_process'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connect, STARTING_MS } from '../../../src/api/client.ts'
import { bearer } from '../../../src/api/bearer.ts'
import { maxLineBytes } from '../../../src/api/client-http.ts'
import { acquireHomeLock, createApi, socketPathFor, type Api } from '../../../src/api/index.ts'
import { readApiKey } from '../../../src/api/key.ts'
import { maxSocketPathBytes, socketEnv } from '../../../src/api/socket-path.ts'
import type { ApiSources, LoggedEntry } from '../../../src/api/types.ts'
import { CodedError, nullLogger, until } from '../../../src/util/index.ts'
import { detail, entries, fakeSources, peers, question, status, verification } from './fixture.ts'

let home: string
const cleanups: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'bzzz-api-')))
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await rm(home, { recursive: true, force: true })
})

async function serve(sources: ApiSources = fakeSources(), at = home): Promise<Api> {
  const api = createApi({ home: at }, sources, { logger: nullLogger })
  await api.start()
  cleanups.push(() => api.stop())
  return api
}

async function raw(
  api: Api,
  path: string,
  method = 'GET',
  key?: string,
): Promise<{ status: number; type: string; body: string }> {
  const headers = bearer(key ?? (await readApiKey(home)) ?? '')
  const { socketPath } = api
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => (body += text))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          body,
        }),
      )
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('api and client', () => {
  it('answers what the sources say', async () => {
    const sources = fakeSources()
    await serve(sources)
    const client = connect(home)
    expect(await client.status()).toEqual(status)
    expect(await client.peers()).toEqual(peers)
    expect(await client.tasks()).toHaveLength(3)
    expect(await client.tasks({ repo: 'octo/lib', state: 'done' })).toHaveLength(1)
    expect(await client.task({ repo: 'octo/lib', issue: 4 })).toEqual(detail)
    expect(await client.verify()).toEqual([verification])
    expect(await client.live()).toBe(true)
    await client.stop()
    expect(sources.stops).toBe(1)
  })

  it('lets only the owner at the socket', async () => {
    const api = await serve()
    expect(api.socketPath).toBe(join(home, 'run', 'agent.sock'))
    expect((await stat(api.socketPath)).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(api.socketPath))).mode & 0o777).toBe(0o700)
  })

  it('reaches a home whose path is too long for a socket address', async () => {
    const long = join(home, 'n'.repeat(90), 'é'.repeat(40))
    await mkdir(long, { recursive: true })
    const api = await serve(fakeSources(), long)
    expect(Buffer.byteLength(api.socketPath)).toBeLessThanOrEqual(maxSocketPathBytes)
    expect(api.socketPath.startsWith(long)).toBe(false)
    expect((await connect(long).status()).name).toBe('owl')
  })

  it('refuses a socket directory that others may enter', async () => {
    const directory = join(home, 'run')
    await mkdir(directory)
    await chmod(directory, 0o777)
    await expect(connect(home).status()).rejects.toMatchObject({ code: 'SOCKET_UNSAFE' })
  })

  it('computes the path from the home alone', () => {
    const env = { platform: 'linux', tmpdir: '/tmp', uid: 1000 } as const
    expect(socketPathFor('/home/a', env)).toBe('/home/a/run/agent.sock')
    const long = `/home/${'a'.repeat(100)}`
    expect(socketPathFor(long, env)).toMatch(/^\/tmp\/bzzz-1000\/[0-9a-f]{32}\.sock$/)
    expect(socketPathFor(long, env)).not.toBe(socketPathFor(`${long}b`, env))
    expect(socketPathFor(long, { ...env, tmpdir: `/${'t'.repeat(120)}` })).toMatch(/^\/tmp\/bzzz-/)
    expect(socketPathFor('C:\\a', { ...env, platform: 'win32' })).toMatch(/^\\\\\.\\pipe\\bzzz-/)
  })

  it('replaces the socket of a dead agent and never that of a living one', async () => {
    const path = socketPathFor(home, socketEnv())
    await mkdir(dirname(path), { recursive: true })
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    await promisify(execFile)(process.execPath, ['-e', script]).catch(() => undefined)
    expect((await stat(path)).isSocket()).toBe(true)
    await serve()
    expect((await connect(home).status()).name).toBe('owl')
    const second = createApi({ home }, fakeSources(), { logger: nullLogger })
    await expect(second.start()).rejects.toMatchObject({ code: 'SOCKET_IN_USE' })
    expect((await connect(home).status()).name).toBe('owl')
  })

  it('is found at another socket path, too', async () => {
    const socketPath = join(home, 'own.sock')
    for (let turn = 0; turn < 2; turn += 1) {
      await symlink(join(home, 'gone.sock'), join(home, 'run', 'agent.sock')).catch(() => undefined)
      const api = createApi({ home, socketPath }, fakeSources(), { logger: nullLogger })
      await api.start()
      cleanups.push(() => api.stop())
      expect((await connect(home).status()).name).toBe('owl')
      for (const init of [{ home }, { home, socketPath }]) {
        const second = createApi(init, fakeSources(), { logger: nullLogger })
        await expect(second.start()).rejects.toMatchObject({ code: 'SOCKET_IN_USE' })
      }
      expect((await connect(home).status()).name).toBe('owl')
      await api.stop()
      expect(await readdir(join(home, 'run'))).toEqual([])
    }
  })

  it('leaves a file alone that is no socket', async () => {
    await mkdir(join(home, 'run'))
    await writeFile(join(home, 'run', 'agent.sock'), 'mine')
    const api = createApi({ home }, fakeSources(), { logger: nullLogger })
    await expect(api.start()).rejects.toMatchObject({ code: 'SOCKET_UNSAFE' })
  })

  it('names the process that holds the home without a socket', async () => {
    const lock = await acquireHomeLock(home)
    await expect(connect(home).status()).rejects.toMatchObject({
      code: 'AGENT_NOT_RUNNING',
      message: expect.stringContaining(`process ${process.pid} is starting, or waits to be let in`),
      data: { home, pid: process.pid, starting: true },
    })
    const longAgo = new Date(Date.now() - STARTING_MS - 60_000)
    await utimes(join(home, 'agent.lock'), longAgo, longAgo)
    await expect(connect(home).status()).rejects.toMatchObject({
      message: expect.stringContaining('or hangs in its start'),
      data: { home, pid: process.pid },
    })
    await lock.release()
    await expect(connect(home).status()).rejects.toMatchObject({ data: { home } })
  })

  it('may be started and stopped again and again', async () => {
    const api = await serve()
    await api.start()
    await api.stop()
    await api.stop()
    await expect(connect(home).status()).rejects.toMatchObject({ code: 'AGENT_NOT_RUNNING' })
    await expect(stat(api.socketPath)).rejects.toMatchObject({ code: 'ENOENT' })
    await api.start()
    expect((await connect(home).status()).name).toBe('owl')
  })

  it.each([
    ['/api/v1/tasks?state=asleep', 400, 'INVALID_PARAMETER', 'state'],
    ['/api/v1/tasks?repo=nobody', 400, 'INVALID_PARAMETER', 'repo'],
    ['/api/v1/tasks?rep=octo%2Flib', 400, 'INVALID_PARAMETER', 'rep'],
    ['/api/v1/tasks/octo/lib/x', 400, 'INVALID_PARAMETER', 'issue'],
    ['/api/v1/tasks/octo/%2e%2e%2f/1', 400, 'INVALID_PARAMETER', 'repo'],
    ['/api/v1/logs?task=octo', 400, 'INVALID_PARAMETER', 'task'],
    ['/api/v1/logs?type=claim.won,nonsense', 400, 'INVALID_PARAMETER', 'type'],
    ['/api/v1/logs?since=yesterday', 400, 'INVALID_PARAMETER', 'since'],
    ['/api/v1/logs?follow=perhaps', 400, 'INVALID_PARAMETER', 'follow'],
    ['/livez?verbose=perhaps', 400, 'INVALID_PARAMETER', 'verbose'],
    [`/api/v1/logs?agent=${'a'.repeat(300)}`, 400, 'INVALID_PARAMETER', 'agent'],
  ])('names the wrong parameter of %s', async (path, code, errorCode, parameter) => {
    const answer = await raw(await serve(), path)
    expect(answer.status).toBe(code)
    const { error } = JSON.parse(answer.body)
    expect(error).toMatchObject({ code: errorCode, data: { parameter } })
    expect(error.message).toContain(parameter)
  })

  it('says of an empty agent that it is empty', async () => {
    const { body } = await raw(await serve(), '/api/v1/logs?agent=')
    expect(JSON.parse(body).error.message).toBe('The parameter agent is empty.')
  })

  it('answers envelopes for what is not there', async () => {
    const api = await serve()
    expect((await raw(api, '/api/v1/tasks/octo/lib/99')).status).toBe(404)
    expect((await raw(api, '/nothing')).status).toBe(404)
    expect((await raw(api, '/api/v1/status', 'DELETE')).status).toBe(405)
    expect((await raw(api, '/api/v1/stop')).status).toBe(404)
    await expect(connect(home).task({ repo: 'octo/lib', issue: 99 })).rejects.toMatchObject({
      code: 'TASK_NOT_FOUND',
    })
    await expect(connect(home).verify('nobody')).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' })
  })

  it('takes the answer of a person to what an executor asks', async () => {
    const sources = fakeSources()
    await serve(sources)
    const ref = { repo: 'octo/lib', issue: 4 }
    expect(await connect(home).answer(ref, question.id, 'deny')).toEqual(question)
    expect(sources.asked).toEqual([['answer', ref, question.id, 'deny']])
    await expect(connect(home).answer(ref, 'ffffffff', 'allow')).rejects.toMatchObject({
      code: 'QUESTION_UNKNOWN',
    })
    await expect(connect(home).answer(ref, '../stop', 'allow')).rejects.toMatchObject({
      code: 'INVALID_PARAMETER',
    })
    const odd = 'perhaps' as 'allow'
    await expect(connect(home).answer(ref, question.id, odd)).rejects.toMatchObject({
      code: 'INVALID_PARAMETER',
      data: { parameter: 'answer' },
    })
  })

  it('lets in only who can read the key of the home, but for probes', async () => {
    const api = await serve()
    const path = join(home, 'run', 'api.key')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const before = await readApiKey(home)
    for (const key of ['', 'x'.repeat(43)]) {
      const answer = await raw(api, '/api/v1/status', 'GET', key)
      expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([401, 'API_KEY_WRONG'])
      expect((await raw(api, '/livez', 'GET', key)).status).toBe(200)
    }
    await rm(path)
    await expect(connect(home).status()).rejects.toMatchObject({ code: 'API_KEY_WRONG' })
    expect(await connect(home).live()).toBe(true)
    await api.stop()
    await serve()
    expect(await readApiKey(home)).not.toBe(before)
  })

  it('hides what an uncoded error says and passes a coded one on', async () => {
    const api = await serve(
      fakeSources({
        peers: () => {
          throw new Error('token ghp_secret')
        },
        verify: () =>
          Promise.reject(new CodedError('JOURNAL_CLOSED', 'Closed.', { next: 'Wait.' })),
      }),
    )
    const answer = await raw(api, '/api/v1/peers')
    expect(answer.status).toBe(500)
    expect(answer.body).not.toContain('ghp_secret')
    await expect(connect(home).verify()).rejects.toMatchObject({
      code: 'JOURNAL_CLOSED',
      next: 'Wait.',
    })
  })

  it('tells liveness from readiness', async () => {
    let now = status
    const api = await serve(fakeSources({ status: () => now }))
    expect((await raw(api, '/livez')).body).toBe('ok\n')
    expect((await raw(api, '/readyz?verbose')).body).toContain('[+]listening ok')
    now = { ...status, state: 'draining' }
    expect((await raw(api, '/livez')).status).toBe(200)
    const ready = await raw(api, '/readyz')
    expect(ready.status).toBe(503)
    expect(ready.body).toContain('[-]not-draining failed')
    const waiting = { is: 'waiting', expected: 3, answered: 1 } as const
    now = { ...status, journal: { ...status.journal, state: waiting } }
    expect(await raw(api, '/readyz')).toMatchObject({
      status: 503,
      body: expect.stringContaining('[-]journal waiting for witnesses: 1 of 3 answered'),
    })
  })
})

describe('log streams', () => {
  it('ends after what exists, and hands the query over decoded', async () => {
    const sources = fakeSources()
    await serve(sources)
    const query = {
      agent: 'owl',
      task: { repo: 'octo/lib', issue: 4 },
      types: ['claim.won', 'task'],
      since: 5,
    }
    expect(await collect(connect(home).logs(query))).toEqual(entries)
    expect(sources.queries[0]).toEqual({
      query: {
        agent: 'owl',
        task: { repo: 'octo/lib', issue: 4 },
        types: [
          'claim.won',
          'task.done',
          'task.failed',
          'task.cancelled',
          'task.merged',
          'task.closed',
          'task.waiting',
        ],
        since: 5,
      },
      follow: false,
      closed: true,
    })
  })

  it('follows until the client goes, and closes the generator then', async () => {
    const sources = fakeSources()
    await serve(sources)
    const gone = new AbortController()
    const seen: LoggedEntry[] = []
    for await (const entry of connect(home).logs({}, { follow: true, signal: gone.signal })) {
      seen.push(entry)
      if (seen.length === entries.length) gone.abort()
    }
    expect(seen).toEqual(entries)
    await until('the generator is closed', 5_000, () => sources.queries[0]?.closed)
  })

  it('closes the generator when the client only stops reading', async () => {
    const sources = fakeSources()
    await serve(sources)
    for await (const entry of connect(home).logs({}, { follow: true })) {
      expect(entry.seq).toBe(318)
      break
    }
    await until('the generator is closed', 5_000, () => sources.queries[0]?.closed)
  })

  it('ends cleanly when the server stops, and the generator is closed', async () => {
    const sources = fakeSources()
    const api = await serve(sources)
    const seen: LoggedEntry[] = []
    for await (const entry of connect(home).logs({}, { follow: true })) {
      seen.push(entry)
      if (seen.length === entries.length) void api.stop()
    }
    expect(seen).toEqual(entries)
    expect(sources.queries[0]?.closed).toBe(true)
  })

  it('does not read ahead of a client that does not read', async () => {
    let made = 0
    const total = 20_000
    const sources = fakeSources({
      async *logs() {
        for (; made < total; made += 1)
          yield { ...entries[0]!, title: 'x'.repeat(200) } as LoggedEntry
      },
    })
    await serve(sources)
    const iterator = connect(home).logs()[Symbol.asyncIterator]()
    await iterator.next()
    let last = -1
    await until(
      'production pauses',
      10_000,
      () => {
        const paused = made === last
        last = made
        return paused
      },
      { everyMs: 200 },
    )
    expect(made).toBeLessThan(total / 2)
    let count = 1
    while ((await iterator.next()).done !== true) count += 1
    expect(count).toBe(total)
  })

  it('reports what breaks in the middle with its code', async () => {
    await serve(
      fakeSources({
        async *logs() {
          yield entries[0]!
          throw new CodedError('JOURNAL_CLOSED', 'The journal is closed.')
        },
      }),
    )
    const seen: LoggedEntry[] = []
    await expect(
      (async () => {
        for await (const entry of connect(home).logs()) seen.push(entry)
      })(),
    ).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
    expect(seen).toHaveLength(1)
  })
})

describe('client against something else', () => {
  async function fake(answer: Parameters<typeof createServer>[1]): Promise<void> {
    const path = socketPathFor(home, socketEnv())
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const server = createServer({}, answer)
    await new Promise<void>((resolve) => server.listen(path, resolve))
    cleanups.push(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
  }

  it('says that no agent runs', async () => {
    await expect(connect(home).status()).rejects.toMatchObject({
      code: 'AGENT_NOT_RUNNING',
      next: expect.stringContaining('bzzz up'),
    })
    await expect(connect(join(home, 'nowhere')).status()).rejects.toMatchObject({
      code: 'AGENT_NOT_RUNNING',
    })
    await expect(collect(connect(home).logs())).rejects.toMatchObject({ code: 'AGENT_NOT_RUNNING' })
  })

  it('refuses a line without an end', async () => {
    await fake((_request, response) => {
      response.write('{"type":"')
      response.end('x'.repeat(maxLineBytes))
    })
    await expect(collect(connect(home).logs())).rejects.toMatchObject({ code: 'BAD_ANSWER' })
  })

  it('accepts a long line that comes in parts', async () => {
    const line = JSON.stringify({ ...entries[0], title: 'ü'.repeat(60_000) })
    await fake((_request, response) => {
      const bytes = Buffer.from(`\n${line}\n`)
      response.write(bytes.subarray(0, 70_001))
      setImmediate(() => response.end(bytes.subarray(70_001)))
    })
    const [entry] = await collect(connect(home).logs())
    expect(entry).toEqual(JSON.parse(line))
  })

  it('notices a stream that is cut', async () => {
    await fake((_request, response) => {
      response.write(`${JSON.stringify(entries[0])}\n`)
      setImmediate(() => response.destroy())
    })
    await expect(collect(connect(home).logs())).rejects.toMatchObject({ code: 'AGENT_GONE' })
  })

  it('notices an answer that never comes', async () => {
    await fake(() => undefined)
    await expect(connect(home, { timeoutMs: 50 }).status()).rejects.toMatchObject({
      code: 'DEADLINE',
    })
  })

  it.each(['<html>', '[]', '{}', 'null', ''])('refuses the status %j', async (text) => {
    await fake((_request, response) => response.end(text))
    await expect(connect(home).status()).rejects.toMatchObject({ code: 'BAD_ANSWER' })
  })
})
