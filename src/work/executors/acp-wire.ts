/**
 * The pipe to an ACP agent, kept between the agent's stdio and the SDK's connection. It measures
 * what comes (for the digest, the idle limit) and counts what is not the protocol. Notifications
 * and stray answers are kept from the SDK, which would write to our stderr what it cannot read.
 */
import { createHash } from 'node:crypto'
import { methods, ndJsonStream, type AnyMessage, type Stream } from '@agentclientprotocol/sdk'
import { z } from 'zod'
import type { Guest } from '../../process/index.ts'
import type { TurnResult } from '../executor.ts'

/** Largest message of an agent, bytes: a file of 8 MiB in JSON, with room. */
const MAX_MESSAGE_BYTES = 12 * 1024 * 1024
/** Lines that are not the protocol (banners, log lines) before the agent counts as broken. */
export const MAX_GARBAGE_LINES = 100

const outgoing = z.object({
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  method: z.string().optional(),
  error: z.unknown().optional(),
})

export interface Wire {
  stream: Stream
  /** Digest of what came on stdout and stderr since the last call. */
  takeOutput(): TurnResult['output']
}

export interface WireHandlers {
  onActivity: () => void
  /** Parameters of a `session/update`, as they came. */
  onUpdate: (params: unknown) => void
  /** Called once, when there was too much that is not the protocol. */
  onGarbage: () => void
}

export function openWire(guest: Guest, { onActivity, onUpdate, onGarbage }: WireHandlers): Wire {
  const awaited = new Set<string | number>()
  let hash = createHash('sha256')
  let bytes = 0
  let garbage = 0
  const countGarbage = () => {
    garbage += 1
    if (garbage === MAX_GARBAGE_LINES) onGarbage()
  }

  const measure = (chunk: Buffer) => {
    hash.update(chunk)
    bytes += chunk.length
  }
  guest.stderr.on('data', measure)

  async function* incoming(): AsyncGenerator<Uint8Array> {
    for await (const chunk of guest.stdout as AsyncIterable<Buffer>) {
      measure(chunk)
      onActivity()
      yield chunk
    }
  }

  /** One call is one message. */
  function send(chunk: Uint8Array): Promise<void> {
    const message = outgoing.safeParse(JSON.parse(new TextDecoder().decode(chunk)))
    if (message.success) {
      const { id, method, error } = message.data
      if (id === null && error !== undefined) {
        countGarbage()
        return Promise.resolve()
      }
      if (method !== undefined && id !== undefined && id !== null) awaited.add(id)
    }
    return new Promise((resolve, reject) => {
      guest.stdin.write(chunk, (error) => (error ? reject(error) : resolve()))
    })
  }

  const { readable, writable } = ndJsonStream(
    new WritableStream<Uint8Array>({ write: send }),
    ReadableStream.from(incoming()),
    { maxMessageBytes: MAX_MESSAGE_BYTES },
  )
  const expected = new TransformStream<AnyMessage, AnyMessage>({
    transform(message, controller) {
      if ('method' in message) {
        if ('id' in message) controller.enqueue(message)
        else if (message.method === methods.client.session.update) onUpdate(message.params)
        return
      }
      const id: unknown = (message as { id?: unknown }).id
      if ((typeof id === 'string' || typeof id === 'number') && awaited.delete(id)) {
        return controller.enqueue(message)
      }
      countGarbage()
    },
  })
  return {
    stream: { writable, readable: readable.pipeThrough(expected) },
    takeOutput: () => {
      const output = { sha256: hash.digest('hex'), bytes, truncated: false }
      hash = createHash('sha256')
      bytes = 0
      return output
    },
  }
}
