/**
 * The pipe to an ACP agent, kept between the agent's stdio and the SDK's connection. It measures
 * what comes (for the digest, the idle limit) and counts what is not the protocol. Notifications
 * and stray answers are kept from the SDK, which would write to our stderr what it cannot read.
 */
import { createHash } from 'node:crypto'
import { methods, ndJsonStream, type AnyMessage, type Stream } from '@agentclientprotocol/sdk'
import { z } from 'zod'
import type { Guest } from '../../process/index.ts'
import { explain } from '../../util/index.ts'
import type { TurnResult } from '../executor.ts'
import { AcpRefusal } from './acp-errors.ts'

/** Largest message of an agent, bytes: a file of 8 MiB in JSON, with room. */
export const MAX_MESSAGE_BYTES = 12 * 1024 * 1024
/** Lines that are not the protocol (banners, log lines) before the agent counts as broken. */
export const MAX_GARBAGE_LINES = 100
/** Requests of an agent that wait for our answer at once: agents have one or two, for each tool that runs. */
export const MAX_OPEN_REQUESTS = 100

const outgoing = z.object({
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  method: z.string().optional(),
  error: z.unknown().optional(),
})

/** Digest and size of what came on stdout and stderr; the same over all processes of a session. */
export interface Meter {
  measure(chunk: Buffer): void
  /** Since the last call. */
  take(): TurnResult['output']
}

export function createMeter(): Meter {
  let hash = createHash('sha256')
  let bytes = 0
  return {
    measure(chunk) {
      hash.update(chunk)
      bytes += chunk.length
    },
    take() {
      const output = { sha256: hash.digest('hex'), bytes, truncated: false }
      hash = createHash('sha256')
      bytes = 0
      return output
    },
  }
}

export interface WireHandlers {
  meter: Meter
  onActivity: () => void
  /** Parameters of a `session/update`, as they came. */
  onUpdate: (params: unknown) => void
  /** Called when nothing more that comes is looked at, with the reason. */
  onBroken: (why: AcpRefusal) => void
}

export function openWire(guest: Guest, handlers: WireHandlers): Stream {
  const { meter, onActivity, onUpdate, onBroken } = handlers
  const awaited = new Set<string | number>()
  let garbage = 0
  let open = 0
  const countGarbage = () => {
    garbage += 1
    if (garbage !== MAX_GARBAGE_LINES) return
    onBroken(new AcpRefusal('It does not speak the protocol on its stdout.'))
  }
  guest.stderr.on('data', (chunk: Buffer) => meter.measure(chunk))

  async function* incoming(): AsyncGenerator<Uint8Array> {
    for await (const chunk of guest.stdout as AsyncIterable<Buffer>) {
      meter.measure(chunk)
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
      if (method === undefined) open -= 1
      else if (id !== undefined && id !== null) awaited.add(id)
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

  async function* expected(): AsyncGenerator<AnyMessage> {
    try {
      for await (const message of readable as AsyncIterable<AnyMessage>) {
        if ('method' in message) {
          if (!('id' in message)) {
            if (message.method === methods.client.session.update) onUpdate(message.params)
            continue
          }
          open += 1
          if (open > MAX_OPEN_REQUESTS) {
            throw new AcpRefusal(
              `It asks for more than ${MAX_OPEN_REQUESTS} things at once.`,
              'flood',
            )
          }
          yield message
          continue
        }
        const id: unknown = (message as { id?: unknown }).id
        if ((typeof id === 'string' || typeof id === 'number') && awaited.delete(id)) yield message
        else countGarbage()
      }
    } catch (error) {
      const tooLarge = error instanceof Error && error.name === 'MessageTooLargeError'
      const limit = `It sent a message of more than ${MAX_MESSAGE_BYTES} bytes.`
      if (error instanceof AcpRefusal) onBroken(error)
      else if (tooLarge) onBroken(new AcpRefusal(limit, 'flood'))
      else onBroken(new AcpRefusal(`Its pipe broke: ${explain(error)}`))
      throw error
    }
  }
  return { writable, readable: ReadableStream.from(expected()) }
}
