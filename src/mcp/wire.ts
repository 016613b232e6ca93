/**
 * stdio of the MCP server. The SDK's transport drops the requests that are under way when its input ends,
 * so that `printf … | bzzz mcp` would answer almost nothing: here the end of the input waits, for a while,
 * until all that was read before is answered. Whoever closes its pipes without an end waits for nothing.
 */
import type { JSONRPCMessage } from '@modelcontextprotocol/server'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { Transform, type Readable, type Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { sleep, type Clock } from '../util/index.ts'

/** Largest message of a client, bytes: the longest question in JSON, with room. */
const MAX_MESSAGE_BYTES = 256 * 1024
/** Longest time for answers after the end of the input, ms. */
const LAST_ANSWERS_MS = 10_000
/** Requests under way that the end waits for. */
const MAX_PENDING = 1_000

export interface Wire {
  transport: Pick<
    StdioServerTransport,
    'start' | 'close' | 'send' | 'onmessage' | 'onerror' | 'onclose'
  >
  /** Settles when nothing is read or answered any more. Never rejects. */
  readonly closed: Promise<void>
}

export interface WireComponents {
  stdin: Readable
  stdout: Writable
  clock: Clock
}

export function createWire({ stdin, stdout, clock }: WireComponents): Wire {
  const closed = Promise.withResolvers<void>()
  const over = new AbortController()
  const pending = new Set<string | number>()
  let onAnswered = () => {}

  const input: Transform = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: (done) => void lastAnswers(done),
  })
  const inner = new StdioServerTransport(input, stdout, { maxBufferSize: MAX_MESSAGE_BYTES })

  async function lastAnswers(done: () => void): Promise<void> {
    const answered = new AbortController()
    const late = sleep(LAST_ANSWERS_MS, {
      signal: AbortSignal.any([over.signal, answered.signal]),
      clock,
    }).catch(() => undefined)
    // What came last may not have been taken yet.
    while (input.readableLength > 0 && !over.signal.aborted) await setImmediate()
    onAnswered = () => {
      if (pending.size === 0) answered.abort()
    }
    onAnswered()
    await late
    done()
  }

  function settle(id: unknown): void {
    if (pending.delete(id as string | number)) onAnswered()
  }

  function note(message: JSONRPCMessage): void {
    if (!('method' in message)) return
    if ('id' in message && pending.size < MAX_PENDING) pending.add(message.id)
    if (message.method === 'notifications/cancelled') settle(message.params?.['requestId'])
  }

  const transport: Wire['transport'] = {
    start: () => inner.start(),
    close: () => inner.close(),
    async send(message) {
      try {
        await inner.send(message)
      } finally {
        if (!('method' in message)) settle(message.id)
      }
    },
  }
  Object.assign(inner, {
    onmessage(message: JSONRPCMessage) {
      note(message)
      transport.onmessage?.(message)
    },
    onerror: (error: Error) => transport.onerror?.(error),
    onclose() {
      over.abort()
      stdin.unpipe(input).pause()
      transport.onclose?.()
      closed.resolve()
    },
  } satisfies Partial<StdioServerTransport>)
  const onGone = () => void inner.close()
  stdin.once('error', onGone).once('close', () => {
    if (!stdin.readableEnded) onGone()
  })
  stdin.pipe(input)
  return { transport, closed: closed.promise }
}
