/**
 * A libp2p stream as a Node `Duplex`, with back-pressure in both directions and no lost bytes.
 *
 * libp2p 3's streams push: data comes as `message` events until `pause()`, and more than the read
 * buffer may hold resets the stream, so reading pauses as soon as the Duplex is full. `end` alone
 * proves nothing (it also fires on reset and when the connection goes), and `remoteCloseWrite`
 * fires while data is still buffered; only both together, on a stream that was not reset, are the
 * end of what the other side wrote. Everything else destroys the Duplex with `STREAM_TRUNCATED`.
 *
 * Three more traps: a `pause()` made while `resume()` hands out its buffer is forgotten by yamux (it
 * goes on to grant window); `onDrain()` resolves at once after its first use; and bytes that came
 * right behind the protocol negotiation are put back after `end` was emitted. Hence the flag
 * around `resume()`, waiting for the `drain` event itself, and the look at the read buffer.
 */
import { Duplex } from 'node:stream'
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { MeshError } from '../errors.ts'

/** Bytes buffered on each side before pausing. */
const HIGH_WATER_MARK = 256 * 1024
/** How long half-closing may take to hand over what is buffered, ms. */
const CLOSE_TIMEOUT_MS = 120_000

type Callback = (error?: Error | null) => void

/**
 * Half-close maps to `end`, a reset or lost connection to `destroy` with `STREAM_TRUNCATED`, and
 * `destroy` to a reset. An error without a listener does not end the process.
 */
export function toDuplex(stream: Stream, peerId: string): Duplex {
  let remoteEnded = stream.remoteWriteStatus === 'closed'
  let readEnded = false
  let ending = false
  let resuming = false
  let pauseAfterResume = false
  let written: Callback | undefined

  const truncated = (cause?: unknown) =>
    new MeshError('STREAM_TRUNCATED', `The stream with ${peerId} was cut.`, {
      data: { peerId, protocol: stream.protocol },
      ...(cause === undefined ? {} : { cause }),
    })

  const duplex = new Duplex({
    readableHighWaterMark: HIGH_WATER_MARK,
    writableHighWaterMark: HIGH_WATER_MARK,
    read: resume,
    write: (chunk: Uint8Array, _encoding, callback) => send(chunk, callback),
    writev: (chunks, callback) =>
      send(Buffer.concat(chunks.map(({ chunk }) => chunk as Uint8Array)), callback),
    final: (callback) => void closeWrite(callback),
    destroy(error, callback) {
      stream.removeEventListener('message', onMessage)
      stream.removeEventListener('remoteCloseWrite', onRemoteClose)
      stream.removeEventListener('end', onEnd)
      stream.removeEventListener('close', onClose)
      stream.removeEventListener('drain', onDrain)
      const finished = readEnded && stream.writeStatus === 'closed'
      if (!finished) stream.abort(error ?? new Error('The stream was destroyed.'))
      settle(error ?? truncated())
      callback(error)
    },
  })
  duplex.on('error', () => undefined)

  async function closeWrite(callback: Callback): Promise<void> {
    ending = true
    try {
      await stream.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
    } catch (error) {
      return callback(truncated(error))
    }
    callback()
  }

  function resume(): void {
    if (stream.readStatus !== 'paused' || resuming) return
    resuming = true
    try {
      stream.resume()
    } catch (error) {
      if (!remoteEnded) duplex.destroy(truncated(error))
    }
    resuming = false
    if (pauseAfterResume) pause()
    pauseAfterResume = false
  }

  function pause(): void {
    if (stream.readStatus === 'readable') stream.pause()
  }

  function onMessage({ data }: StreamMessageEvent): void {
    const wantsMore = duplex.push(data instanceof Uint8Array ? data : data.subarray())
    if (stream.readableEnded) return onEnd()
    if (wantsMore) return
    if (resuming) pauseAfterResume = true
    else pause()
  }

  function send(bytes: Uint8Array, callback: Callback): void {
    written = callback
    try {
      stream.send(bytes)
    } catch (error) {
      return settle(truncated(error))
    }
    onSent()
  }

  function onSent(): void {
    if (!stream.writableNeedsDrain) settle()
  }

  /** libp2p sends what it had kept back in a microtask of its own, and may be full again after it. */
  function onDrain(): void {
    setImmediate(onSent)
  }

  function settle(error?: Error): void {
    const callback = written
    written = undefined
    callback?.(error)
  }

  function onRemoteClose(): void {
    remoteEnded = true
    if (stream.readableEnded) onEnd()
  }

  function onEnd(): void {
    if (readEnded || !remoteEnded || isCut() || stream.readBufferLength > 0) return
    readEnded = true
    duplex.push(null)
  }

  /** Fine only when both directions were closed before; what is still buffered can then be read. */
  function onClose({ error }: StreamCloseEvent): void {
    if (error === undefined && remoteEnded && ending) return
    if (readEnded && duplex.writableFinished) return
    duplex.destroy(truncated(error))
  }

  function isCut(): boolean {
    return stream.status === 'aborted' || stream.status === 'reset'
  }

  stream.addEventListener('remoteCloseWrite', onRemoteClose)
  stream.addEventListener('end', onEnd)
  stream.addEventListener('close', onClose)
  stream.addEventListener('drain', onDrain)
  stream.addEventListener('message', onMessage)
  if (isCut() || (stream.status === 'closed' && !remoteEnded)) {
    queueMicrotask(() => duplex.destroy(truncated()))
  } else if (stream.readableEnded) onEnd()
  return duplex
}
