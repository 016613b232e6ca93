/**
 * The message stream that hypercore's replication runs over, in place of its own Noise stream. From
 * docs/protocol.md, "Journals".
 */
import { createHash, randomBytes } from 'node:crypto'
import { Duplex } from 'node:stream'
import type { Stream } from '@libp2p/interface'

const NONCE_BYTES = 32
/** For a slow reader, ms. */
const DRAIN_MS = 10_000
const MAX_FRAME_BYTES = 4 * 1024 * 1024

export interface Ends {
  isInitiator: boolean
  peerId: string
  remotePeerId: string
}

const hash = (...parts: (string | Uint8Array)[]): Buffer => {
  const sum = createHash('sha256')
  for (const part of parts) sum.update(part)
  return sum.digest()
}

export class JournalStream extends Duplex {
  readonly isInitiator: boolean
  readonly publicKey: Buffer
  readonly remotePublicKey: Buffer
  readonly rawStream = this
  readonly opened: Promise<boolean>
  handshakeHash: Buffer | null = null
  userData: unknown = null
  keepAlive = 0
  readonly #stream: Stream
  readonly #ends: Ends
  readonly #nonce = randomBytes(NONCE_BYTES)
  #beat: NodeJS.Timeout | undefined
  #open: (ok: boolean) => void = () => undefined

  constructor(stream: Stream, ends: Ends) {
    super({ objectMode: true })
    this.#stream = stream
    this.#ends = ends
    this.isInitiator = ends.isInitiator
    this.publicKey = hash(ends.peerId)
    this.remotePublicKey = hash(ends.remotePeerId)
    this.opened = new Promise((resolve) => (this.#open = resolve))
    this.on('error', () => undefined)
    void this.#receive()
    this.#send(this.#nonce)
  }

  get noiseStream(): this {
    return this
  }

  setKeepAlive(ms: number): void {
    clearInterval(this.#beat)
    this.keepAlive = ms
    if (ms > 0) this.#beat = setInterval(() => this.#send(new Uint8Array()), ms)
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    if (this.#send(chunk)) done()
    else void this.#drained().finally(() => done())
  }

  override _final(done: () => void): void {
    void this.#stream
      .close()
      .catch(() => undefined)
      .finally(() => done())
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.#beat)
    this.#open(false)
    this.#stream.abort(error ?? new Error('closed'))
    done(error)
  }

  async #drained(): Promise<void> {
    const signal = AbortSignal.timeout(DRAIN_MS)
    await this.#stream.onDrain({ signal }).catch((error: Error) => this.destroy(error))
  }

  #send(body: Uint8Array): boolean {
    if (this.#stream.writeStatus !== 'writable') return true
    const head = Buffer.alloc(4)
    head.writeUInt32LE(body.byteLength)
    return this.#stream.send(Buffer.concat([head, body]))
  }

  async #receive(): Promise<void> {
    let waiting = Buffer.alloc(0)
    try {
      for await (const chunk of this.#stream) {
        waiting = Buffer.concat([waiting, chunk.subarray()])
        while (waiting.byteLength >= 4) {
          const length = waiting.readUInt32LE(0)
          if (length > MAX_FRAME_BYTES) throw new Error('a frame that is too large')
          if (waiting.byteLength < 4 + length) break
          if (length > 0) this.#frame(waiting.subarray(4, 4 + length))
          waiting = waiting.subarray(4 + length)
        }
      }
      this.destroy()
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  #frame(body: Buffer): void {
    if (this.handshakeHash !== null) return void this.push(body)
    if (body.byteLength !== NONCE_BYTES) throw new Error('no nonce')
    const { isInitiator, peerId, remotePeerId } = this.#ends
    const mine = { peerId, nonce: this.#nonce }
    const theirs = { peerId: remotePeerId, nonce: body }
    const [first, second] = isInitiator ? [mine, theirs] : [theirs, mine]
    const ids = `bzzz journal/2\0${first.peerId}\0${second.peerId}\0`
    this.handshakeHash = hash(ids, first.nonce, second.nonce)
    this.#open(true)
  }
}
