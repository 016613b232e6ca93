/**
 * What a child writes, measured while it streams: a hash over all of it, its last bytes, and a
 * limit. Memory is bounded by `maxBytes` (collected stdout) plus `keepBytes`
 * and a chunk for each of two tails.
 */
import { createHash } from 'node:crypto'

export interface OutputInit {
  /** stdout and stderr together; what comes after is neither counted nor kept. */
  maxBytes: number
  keepBytes: number
  /** Whether stdout is collected. */
  collect: boolean
  onLimit: () => void
}

class Tail {
  readonly #limit: number
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    for (;;) {
      const first = this.#chunks[0]
      if (first === undefined || this.#bytes - first.length < this.#limit) return
      this.#bytes -= first.length
      this.#chunks.shift()
    }
  }

  /** Starts at a whole UTF-8 character. */
  text(): string {
    const bytes = Buffer.concat(this.#chunks)
    let from = Math.max(0, bytes.length - this.#limit)
    while (from > 0 && from < bytes.length && ((bytes[from] ?? 0) & 0xc0) === 0x80) from += 1
    return bytes.subarray(from).toString('utf8')
  }
}

export class Output {
  readonly #init: OutputInit
  readonly #hash = createHash('sha256')
  readonly #stdout: Buffer[] = []
  readonly #last: Tail
  readonly #stderr: Tail
  #bytes = 0
  #full = false

  constructor(init: OutputInit) {
    this.#init = init
    this.#last = new Tail(init.keepBytes)
    this.#stderr = new Tail(init.keepBytes)
  }

  /** Takes a chunk; returns the part of it that was within the limit. */
  take(from: 'stdout' | 'stderr', chunk: Buffer): Buffer {
    const room = this.#init.maxBytes - this.#bytes
    const part = chunk.length > room ? chunk.subarray(0, room) : chunk
    this.#bytes += part.length
    this.#hash.update(part)
    if (from === 'stdout' && this.#init.collect) this.#stdout.push(part)
    if (from === 'stderr') this.#stderr.push(part)
    this.#last.push(part)
    if (part.length < chunk.length && !this.#full) {
      this.#full = true
      this.#init.onLimit()
    }
    return part
  }

  result() {
    return {
      stdout: Buffer.concat(this.#stdout).toString('utf8'),
      stderr: this.#stderr.text(),
      tail: this.#last.text(),
      outputBytes: this.#bytes,
      truncated: this.#full || this.#bytes > this.#init.keepBytes,
      outputSha256: this.#hash.copy().digest('hex'),
    }
  }
}
