/**
 * The few calls of a container engine that a sandbox needs, over its unix socket (Docker Engine API 1.41,
 * which Podman answers, too). Node's own HTTP client, since a client library brings an SSH client, gRPC
 * and install scripts for eight calls.
 */
import { request, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { decodeJson } from '../../../util/index.ts'

const VERSION = '/v1.41'
const ANSWER_MS = 30_000
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/** `status` 0: there was no answer. */
export class EngineError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const messageSchema = z.object({ message: z.string() })

export interface Engine {
  /** Errors: `EngineError`. */
  call<S extends z.ZodType>(
    method: string,
    path: string,
    schema: S,
    body?: object,
  ): Promise<z.infer<S>>
  /** Like `call` where the answer may take as long as the container runs. */
  wait(id: string): Promise<number>
  /** stdin to write; what is read is framed (`frames.ts`). */
  attach(id: string): Promise<Duplex>
}

export const nothing = z.unknown()

export function engineAt(socketPath: string): Engine {
  const send = (method: string, path: string, body?: object, timeout = ANSWER_MS) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const asked = request({
        socketPath,
        method,
        path: VERSION + path,
        headers:
          text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      })
      asked.on('response', resolve)
      asked.on('error', (error) => reject(new EngineError(0, error.message)))
      if (timeout > 0)
        asked.setTimeout(timeout, () => asked.destroy(new Error('no answer in time')))
      asked.end(text)
    })

  async function answer<S extends z.ZodType>(response: IncomingMessage, schema: S) {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length
      if (bytes > MAX_ANSWER_BYTES) throw new EngineError(0, 'The engine answers too much.')
      chunks.push(chunk as Buffer)
    }
    const status = response.statusCode ?? 0
    const text = Buffer.concat(chunks)
    const options = { what: 'answer of the container engine', maxBytes: MAX_ANSWER_BYTES }
    if (status < 400) {
      return decodeJson(text.length === 0 ? 'null' : text, { ...options, schema })
    }
    let said = `status ${status}`
    try {
      said = decodeJson(text, { ...options, schema: messageSchema }).message.slice(0, 500)
    } catch {
      // Then the status has to do.
    }
    throw new EngineError(status, said)
  }

  return {
    call: async (method, path, schema, body) => answer(await send(method, path, body), schema),
    async wait(id) {
      const schema = z.object({ StatusCode: z.int() })
      const path = `/containers/${id}/wait?condition=next-exit`
      return (await answer(await send('POST', path, undefined, 0), schema)).StatusCode
    },
    attach: (id) =>
      new Promise((resolve, reject) => {
        const asked = request({
          socketPath,
          method: 'POST',
          path: `${VERSION}/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`,
          headers: { connection: 'Upgrade', upgrade: 'tcp' },
        })
        asked.on('upgrade', (_, socket, head) => {
          if (head.length > 0) socket.unshift(head)
          resolve(socket)
        })
        asked.on('response', ({ statusCode }) =>
          reject(new EngineError(statusCode ?? 0, 'The engine does not attach.')),
        )
        asked.on('error', (error) => reject(new EngineError(0, error.message)))
        asked.setTimeout(ANSWER_MS, () => asked.destroy(new Error('no answer in time')))
        asked.end()
      }),
  }
}
