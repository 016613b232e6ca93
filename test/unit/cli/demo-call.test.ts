/** How the demo asks its forge when that answers late, wrongly, or not at all. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createCall } from '../../../src/cli/commands/demo/call.ts'

let server: Server | undefined
afterEach(async () => {
  server?.closeAllConnections()
  if (server !== undefined) await new Promise((resolve) => server?.close(resolve))
  server = undefined
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void
const json =
  (status: number, body: unknown): Answer =>
  (_, response) =>
    void response.writeHead(status).end(JSON.stringify(body))
const never: Answer = () => undefined

/** Answers one after the other; the last one goes on. */
async function forgeWith(...answers: Answer[]) {
  let asked = 0
  server = createServer((request, response) => {
    const answer = answers[Math.min(asked, answers.length - 1)]
    asked += 1
    answer?.(request, response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const limits = { readMs: 150, writeMs: 150, pauseMs: 1 }
  const call = createCall({ apiUrl: `http://127.0.0.1:${port}`, token: 't', limits })
  return { call, asked: () => asked }
}

describe('the call', () => {
  it('reads again after silence and after a fault of the server', async () => {
    const { call, asked } = await forgeWith(never, json(502, {}), json(200, { a: 1 }))
    expect(await call('GET', '/x')).toEqual({ a: 1 })
    expect(asked()).toBe(3)
  })

  it('gives up after five reads, with what to do', async () => {
    const { call, asked } = await forgeWith(json(500, {}))
    await expect(call('GET', '/x')).rejects.toMatchObject({
      code: 'DEMO_FORGE',
      data: { path: '/x', status: 500 },
      next: expect.stringMatching(/again/) as string,
    })
    expect(asked()).toBe(5)
  })

  it('does not write twice, and does not ask again what is refused', async () => {
    const late = await forgeWith(never)
    await expect(late.call('POST', '/x', {})).rejects.toMatchObject({ code: 'DEMO_FORGE' })
    expect(late.asked()).toBe(1)
    server?.closeAllConnections()
    const refusing = await forgeWith(json(404, {}))
    await expect(refusing.call('GET', '/x')).rejects.toMatchObject({ data: { status: 404 } })
    expect(refusing.asked()).toBe(1)
  })

  it('ends at once when it is told to', async () => {
    const { call } = await forgeWith(never)
    const stop = new AbortController()
    const asked = call('GET', '/x', undefined, stop.signal)
    stop.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
