/**
 * A message stream for Protomux over a stream of the mesh, in place of hypercore's own Noise stream.
 *
 * libp2p's Noise already authenticates both ends by their peer ids and encrypts every byte, so
 * hypercore's second Noise handshake and cipher add work and no safety. What hypercore takes from that
 * handshake is one thing: the **capability**. Who opens a journal's channel proves that it knows the
 * journal's key (only its hash is named on the wire) with a keyed hash over the handshake's hash, so
 * the proof must be worthless on every other stream. Here that hash is
 *
 *   SHA-256('bzzz journal/2' 0 initiator's peer id 0 responder's peer id 0 both nonces)
 *
 * where each side sends 32 fresh random bytes as its first frame. The nonces make every stream another
 * one, also between the same two, so no proof is replayed; the peer ids, which libp2p has verified, bind
 * it to this connection, so a member in the middle cannot pass one peer's proof on to another: the two
 * would hash different ids. Direction is in the hash hypercore makes itself. `remotePublicKey` is only
 * a name for the peer in hypercore; here the hash of its peer id. hypercore's encrypted datagrams
 * (`send`) are not offered.
 *
 * Never use it over a stream that is not itself encrypted and authenticated.
 *
 * Frames: length (4 bytes, little endian), then so many bytes; an empty one is a sign of life. Frames
 * that come within one turn of the event loop leave as one write (up to 64 KiB): with small blocks
 * that saves a Yamux and a Noise frame for each.
 *
 * Memory: one frame of at most `maxFrameBytes` is assembled; 64 frames wait for a slow reader at most,
 * then the stream below is paused; a slow peer blocks `write` and with it hypercore's requests.
 */
import { createHash, randomBytes } from 'node:crypto'
import { Duplex } from 'node:stream'

/** Largest frame, bytes; hypercore's largest here is a bitfield or a batch of a few hundred KiB. */
export const maxFrameBytes = 4 * 1024 * 1024
/** Bytes that are gathered to one write. */
const flushBytes = 64 * 1024
const nonceBytes = 32
const headBytes = 4
/** Frames that wait for the reader. */
const maxWaitingFrames = 64

export interface FramedInit {
  isInitiator: boolean
  /** Of the two ends of the connection, as libp2p authenticated them. */
  peerId: string
  remotePeerId: string
}

type Callback = (error?: Error | null) => void

/** Hash that binds hypercore's capabilities to this stream. */
export function handshakeHash(init: {
  initiator: { peerId: string; nonce: Uint8Array }
  responder: { peerId: string; nonce: Uint8Array }
}): Buffer {
  const { initiator, responder } = init
  return createHash('sha256')
    .update(`bzzz journal/2\0${initiator.peerId}\0${responder.peerId}\0`)
    .update(initiator.nonce)
    .update(responder.nonce)
    .digest()
}

/** What hypercore expects of a Noise stream. Destroying it destroys the stream below, and the reverse. */
export class FramedStream extends Duplex {
  readonly isInitiator: boolean
  readonly rawStream: Duplex
  readonly publicKey: Buffer
  readonly remotePublicKey: Buffer
  /** Undefined until the other side's nonce has come. */
  handshakeHash: Buffer | null = null
  connected = false
  keepAlive = 0
  /** Protomux keeps itself here. */
  userData: unknown = null
  /** Whether the other side's nonce came; false when the stream ended before. */
  readonly opened: Promise<boolean>

  readonly #init: FramedInit
  readonly #nonce = randomBytes(nonceBytes)
  #open: (ok: boolean) => void = () => undefined
  #keepAliveTimer: NodeJS.Timeout | undefined
  #idleTimer: NodeJS.Timeout | undefined
  #isPaused = false

  /** A head or body that is not complete yet: copied, so that small chunks do not hold large ones. */
  #partial: Buffer | undefined
  #have = 0
  #need = headBytes
  #isBody = false

  #out: Uint8Array[] = []
  #outBytes = 0
  #isBlocked = false
  #flushing: NodeJS.Immediate | undefined
  #onDrain: Callback | undefined
  /** What `alloc` gave last, with room for the head before it. */
  #allocated: Buffer | undefined
  #allocatedFrame: Buffer | undefined

  constructor(raw: Duplex, init: FramedInit) {
    super({ readableObjectMode: true, readableHighWaterMark: maxWaitingFrames })
    this.rawStream = raw
    this.isInitiator = init.isInitiator
    this.#init = init
    this.publicKey = nameOf(init.peerId)
    this.remotePublicKey = nameOf(init.remotePeerId)
    this.opened = new Promise((resolve) => {
      this.#open = resolve
    })
    this.on('error', () => undefined)
    raw.on('data', (chunk: Buffer) => this.#onData(chunk))
    raw.on('drain', () => this.#unblock())
    raw.on('end', () => {
      if (this.#have === 0 && !this.#isBody) this.push(null)
      else this.destroy(new Error('The stream ended within a frame.'))
    })
    raw.on('error', (error) => this.destroy(error))
    raw.on('close', () => this.destroy())
    this.#frame(this.#nonce)
    this.#flush()
  }

  get noiseStream(): this {
    return this
  }

  /** Sends a sign of life every `ms`. */
  setKeepAlive(ms: number): void {
    clearInterval(this.#keepAliveTimer)
    this.keepAlive = ms
    if (ms === 0) return
    this.#keepAliveTimer = setInterval(() => {
      if (this.#isBlocked || this.#outBytes > 0 || this.writableEnded) return
      this.#frame(new Uint8Array())
      this.#flush()
    }, ms)
    this.#keepAliveTimer.unref()
  }

  /** Destroys the stream when nothing came for `ms` while it wanted to read. */
  setTimeout(ms: number): void {
    clearTimeout(this.#idleTimer)
    if (ms === 0) return
    this.#idleTimer = setTimeout(() => {
      if (this.#isPaused) this.#idleTimer?.refresh()
      else this.destroy(new Error('The other side is silent.'))
    }, ms)
    this.#idleTimer.unref()
  }

  /** A buffer whose `write` needs no copy. */
  alloc(length: number): Buffer {
    const frame = Buffer.allocUnsafe(headBytes + length)
    this.#allocatedFrame = frame
    this.#allocated = frame.subarray(headBytes)
    return this.#allocated
  }

  override _read(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.rawStream.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    if (chunk.byteLength > maxFrameBytes) {
      return callback(new Error(`A frame of ${chunk.byteLength} bytes is too large.`))
    }
    this.#frame(chunk)
    if (this.#isBlocked) this.#onDrain = callback
    else if (this.#outBytes >= flushBytes) {
      this.#flush()
      if (this.#isBlocked) this.#onDrain = callback
      else callback()
    } else {
      this.#flushing ??= setImmediate(() => this.#flush())
      callback()
    }
  }

  override _final(callback: Callback): void {
    this.#flush()
    this.rawStream.end()
    callback()
  }

  override _destroy(error: Error | null, callback: Callback): void {
    clearInterval(this.#keepAliveTimer)
    clearTimeout(this.#idleTimer)
    clearImmediate(this.#flushing)
    this.#out = []
    this.#partial = undefined
    this.#open(false)
    this.rawStream.destroy()
    this.#onDrain = undefined
    callback(error)
  }

  #frame(body: Uint8Array): void {
    if (body === this.#allocated && this.#allocatedFrame !== undefined) {
      this.#allocatedFrame.writeUInt32LE(body.byteLength, 0)
      this.#out.push(this.#allocatedFrame)
    } else {
      const head = Buffer.allocUnsafe(headBytes)
      head.writeUInt32LE(body.byteLength, 0)
      this.#out.push(head, body)
    }
    this.#allocated = this.#allocatedFrame = undefined
    this.#outBytes += headBytes + body.byteLength
  }

  #flush(): void {
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    const [only] = this.#out
    if (this.#isBlocked || only === undefined || this.destroyed) return
    const chunk = this.#out.length === 1 ? only : Buffer.concat(this.#out, this.#outBytes)
    this.#out = []
    this.#outBytes = 0
    this.#isBlocked = !this.rawStream.write(chunk)
  }

  #unblock(): void {
    this.#isBlocked = false
    this.#flush()
    if (this.#isBlocked) return
    const callback = this.#onDrain
    this.#onDrain = undefined
    callback?.()
  }

  #onData(chunk: Buffer): void {
    this.#idleTimer?.refresh()
    let at = 0
    while (at < chunk.byteLength && !this.destroyed) {
      const taken = Math.min(this.#need - this.#have, chunk.byteLength - at)
      const part = chunk.subarray(at, at + taken)
      at += taken
      if (taken < this.#need) {
        this.#partial ??= Buffer.allocUnsafe(this.#need)
        part.copy(this.#partial, this.#have)
      }
      this.#have += taken
      if (this.#have < this.#need) return
      const whole = this.#partial ?? part
      this.#partial = undefined
      this.#have = 0
      if (this.#isBody) this.#onFrame(whole)
      else this.#onHead(whole.readUInt32LE(0))
    }
  }

  /** An empty frame is a sign of life. */
  #onHead(length: number): void {
    const max = this.handshakeHash === null ? nonceBytes : maxFrameBytes
    if (length > max) {
      const what = `A frame of ${length} bytes is refused; at most ${max} are taken.`
      return void this.destroy(new Error(what))
    }
    this.#isBody = length > 0
    this.#need = length > 0 ? length : headBytes
  }

  #onFrame(frame: Buffer): void {
    this.#isBody = false
    this.#need = headBytes
    if (this.handshakeHash === null) return this.#onNonce(frame)
    if (this.push(frame)) return
    this.#isPaused = true
    this.rawStream.pause()
  }

  #onNonce(nonce: Buffer): void {
    if (nonce.byteLength !== nonceBytes) {
      return void this.destroy(new Error('The other side did not begin with its nonce.'))
    }
    const { isInitiator, peerId, remotePeerId } = this.#init
    const here = { peerId, nonce: this.#nonce }
    const there = { peerId: remotePeerId, nonce: Buffer.from(nonce) }
    this.handshakeHash = handshakeHash(
      isInitiator ? { initiator: here, responder: there } : { initiator: there, responder: here },
    )
    this.connected = true
    this.#open(true)
  }
}

const nameOf = (peerId: string) => createHash('sha256').update(peerId).digest()
