/**
 * One message as frames: each a 4-byte big-endian length and that many bytes, then the END frame,
 * which is a length of zero. A stream that ends without END was cut, however politely it closed.
 */
import type { Readable } from 'node:stream'
import { MeshError } from '../errors.ts'

const HEADER_BYTES = 4
/** Largest frame that is sent; a message of any size is split into these. */
const FRAME_BYTES = 64 * 1024

export function encodeFrames(message: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  for (let at = 0; at < message.byteLength; at += FRAME_BYTES) {
    const body = message.subarray(at, at + FRAME_BYTES)
    parts.push(header(body.byteLength), body)
  }
  parts.push(header(0))
  return Buffer.concat(parts)
}

/**
 * Reads one message and what follows it: nothing.
 * Errors: `STREAM_TRUNCATED`, `STREAM_MALFORMED` (over `maxBytes`, or bytes after END).
 */
export async function readFrames(stream: Readable, maxBytes: number): Promise<Uint8Array> {
  const decoder = new FrameDecoder(maxBytes)
  for await (const chunk of stream) decoder.push(chunk as Uint8Array)
  return decoder.end()
}

export class FrameDecoder {
  readonly #maxBytes: number
  readonly #parts: Buffer[] = []
  #total = 0
  #ended = false
  /** What came and is not taken apart yet; joined only when there is enough to go on. */
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #needed = HEADER_BYTES

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(chunk: Uint8Array): void {
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.byteLength
    while (!this.#ended && this.#waitingBytes >= this.#needed) this.#step()
    if (this.#ended && this.#waitingBytes > 0) {
      throw new MeshError('STREAM_MALFORMED', 'A stream goes on after its END frame.')
    }
  }

  end(): Uint8Array {
    if (!this.#ended) {
      throw new MeshError('STREAM_TRUNCATED', 'A stream ended before its END frame.')
    }
    return Buffer.concat(this.#parts)
  }

  #step(): void {
    const bytes = Buffer.concat(this.#waiting)
    const length = bytes.readUInt32BE(0)
    if (this.#total + length > this.#maxBytes) {
      throw new MeshError(
        'STREAM_MALFORMED',
        `A message has over ${this.#maxBytes} bytes, which is the limit of its protocol.`,
        { data: { bytes: this.#total + length, maxBytes: this.#maxBytes } },
      )
    }
    const end = HEADER_BYTES + length
    this.#needed = bytes.byteLength < end ? end : HEADER_BYTES
    const rest = bytes.byteLength < end ? bytes : bytes.subarray(end)
    this.#waiting = [rest]
    this.#waitingBytes = rest.byteLength
    if (rest === bytes) return
    this.#parts.push(bytes.subarray(HEADER_BYTES, end))
    this.#total += length
    this.#ended = length === 0
  }
}

function header(length: number): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.writeUInt32BE(length)
  return bytes
}
