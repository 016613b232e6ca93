/** A job's log as GitHub gives it: by a redirect to another host, which must not see the token. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGitHub } from '../../../src/tasks/github/github.ts'
import { jobLogs } from '../../../src/tasks/github/job-log.ts'
import { nullLogger } from '../../../src/util/index.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void
interface Host {
  url: string
  asked: IncomingMessage[]
  answer: Answer
}

const servers: Server[] = []
async function host(): Promise<Host> {
  const made: Host = { url: '', asked: [], answer: (_, response) => void response.end() }
  const server = createServer((request, response) => {
    made.asked.push(request)
    made.answer(request, response)
  })
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  made.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return made
}

let api: Host
let blobs: Host
beforeEach(async () => {
  ;[api, blobs] = [await host(), await host()]
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

const to =
  (location: string, status = 302): Answer =>
  (_, response) =>
    void response.writeHead(status, { location }).end('gone')
const log = (signal = new AbortController().signal) => {
  const init = { apiUrl: api.url, token: 'ghs_secret', userAgent: 'test', pace: false }
  return createGitHub(init, { logger: nullLogger }).reviews.jobLog('octo/lib', 7, signal)
}

describe('the log of a job', () => {
  it('comes from where GitHub points to, without the token, and only its end', async () => {
    api.answer = to(`${blobs.url}/signed?sig=abc`)
    blobs.answer = (_, response) => void response.end(`${'x'.repeat(20_000)}\nError: it broke\n`)
    const text = await log()
    expect(text).toMatch(/x\nError: it broke\n$/)
    expect(Buffer.byteLength(text ?? '')).toBe(16 * 1024)
    const [asked] = api.asked
    expect(asked?.url).toBe('/repos/octo/lib/actions/jobs/7/logs')
    expect(asked?.headers.authorization).toContain('ghs_secret')
    const [signed] = blobs.asked
    expect(signed?.url).toBe('/signed?sig=abc')
    expect(JSON.stringify(signed?.rawHeaders)).not.toMatch(/secret|authorization/i)
  })

  it('comes from the API itself where that has it, also after a rename', async () => {
    api.answer = (request, response) =>
      request.url?.startsWith('/repositories/') === true
        ? void response.end('the end')
        : to(`${api.url}/repositories/1/actions/jobs/7/logs`, 301)(request, response)
    expect(await log()).toBe('the end')
    expect(api.asked.at(-1)?.headers.authorization).toContain('ghs_secret')
  })

  it.each([
    ['a second redirect there', () => (blobs.answer = to(`${api.url}/loop`))],
    ['a refusal there', () => (blobs.answer = (_, response) => void response.writeHead(403).end())],
    ['a broken answer', () => (blobs.answer = (_, response) => void response.destroy())],
    ['another scheme', () => (api.answer = to('ftp://127.0.0.1/log'))],
    ['a login in the address', () => (api.answer = to(blobs.url.replace('//', '//u:p@')))],
    ['no log', () => (api.answer = (_, response) => void response.writeHead(404).end('{}'))],
    ['a circle', () => (api.answer = to('/again'))],
  ])('is none after %s', async (_, prepare) => {
    api.answer = to(`${blobs.url}/signed`)
    prepare()
    expect(await log()).toBeUndefined()
    expect(JSON.stringify(blobs.asked.map(({ rawHeaders }) => rawHeaders))).not.toContain('secret')
  })

  it('is not waited for longer than its time, and not at all when it is stopped', async () => {
    const drip: Answer = (_, response) => void response.write('x')
    api.answer = drip
    const never = () =>
      fetch(api.url).then(({ body, headers }) => ({
        data: body,
        headers: Object.fromEntries(headers),
      }))
    const at = { owner: 'octo', repo: 'lib' }
    const read = jobLogs({ apiUrl: api.url, timeoutMs: 100 }, never as never)
    expect(await read(at, 7, new AbortController().signal)).toBeUndefined()
    const stop = new AbortController()
    const asked = jobLogs({ apiUrl: api.url }, never as never)(at, 7, stop.signal)
    stop.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
