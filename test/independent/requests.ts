/** One message each way over a stream, in frames. From docs/protocol.md, "Requests". */
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { canonical, utf8, type Json } from './forms.ts'

const FRAME_BYTES = 64 * 1024
/** For a request with its answer, ms. */
const TIMEOUT_MS = 10_000

export async function request(
  connection: Connection,
  protocol: string,
  body: Json,
  maxBytes: number,
): Promise<Json> {
  const stream = await connection.newStream([protocol], { signal: AbortSignal.timeout(TIMEOUT_MS) })
  try {
    const answer = readMessage(stream, maxBytes)
    await sendMessage(stream, body)
    return await answer
  } catch (error) {
    stream.abort(error as Error)
    throw error
  }
}

export async function serve(
  node: Libp2p,
  protocol: string,
  maxBytes: number,
  answer: (question: Json, from: string) => Promise<Json>,
): Promise<void> {
  await node.handle(protocol, (stream: Stream, connection: Connection) => {
    readMessage(stream, maxBytes)
      .then((question) => answer(question, connection.remotePeer.toString()))
      .then((reply) => sendMessage(stream, reply))
      .catch((error: unknown) => stream.abort(error as Error))
  })
}

async function sendMessage(stream: Stream, message: Json): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const body = utf8(canonical(message))
  for (let at = 0; at < body.byteLength; at += FRAME_BYTES) {
    const part = body.subarray(at, at + FRAME_BYTES)
    const head = Buffer.alloc(4)
    head.writeUInt32BE(part.byteLength)
    if (!stream.send(Buffer.concat([head, part]))) await stream.onDrain({ signal })
  }
  stream.send(Buffer.alloc(4))
  await stream.close({ signal })
}

/** Up to the END frame; a stream that ends before it was cut. */
async function readMessage(stream: Stream, maxBytes: number): Promise<Json> {
  const timer = setTimeout(() => stream.abort(new Error('no whole message in time')), TIMEOUT_MS)
  try {
    let waiting = Buffer.alloc(0)
    const parts: Buffer[] = []
    let total = 0
    for await (const chunk of stream) {
      waiting = Buffer.concat([waiting, chunk.subarray()])
      while (waiting.byteLength >= 4) {
        const length = waiting.readUInt32BE(0)
        if (length === 0) return JSON.parse(Buffer.concat(parts).toString()) as Json
        if (total + length > maxBytes) throw new Error('too large')
        if (waiting.byteLength < 4 + length) break
        parts.push(waiting.subarray(4, 4 + length))
        total += length
        waiting = waiting.subarray(4 + length)
      }
    }
    throw new Error('the stream ended before its END frame')
  } finally {
    clearTimeout(timer)
  }
}
