/**
 * One round trip to a peer. Not by libp2p's `ping()`: it closes its side at once, and the other side's
 * handler does not answer when it sees that before the question. Its monitor of connections uses the
 * same protocol, one stream at a time: who comes second waits for a moment.
 *
 * Either side may close the connection in the middle, as one of those that nobody seeks (`pruner.ts`),
 * and cannot know of a question that is on its way. So what is cut is asked again on a new one.
 */
import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { hasCode, sleep, type Clock } from '../../util/index.ts'
import { MeshError } from '../errors.ts'
import type { MeshNode } from './node.ts'
import { openStream } from '../streams/request.ts'

const PROTOCOL = '/ipfs/ping/1.0.0'
const PING_BYTES = 32
/** Until it is tried again, ms. */
const BUSY_MS = 50
/** Tries in all, of which each but the last was cut; and what a connection is given to close, ms. */
const MAX_TRIES = 4
const CUT_MS = 300
const BUSY = 'TooManyOutboundProtocolStreamsError'

export interface PingOptions {
  /** Connects, unless connected. */
  dial: (signal: AbortSignal) => Promise<void>
  signal: AbortSignal
  timeoutMs: number
  clock: Clock
}

/** ms. Errors: `PEER_UNREACHABLE`, `STREAM_TRUNCATED`, `STREAM_MALFORMED`, `DEADLINE`, `ABORTED`. */
export async function pingPeer(
  node: MeshNode,
  peerId: string,
  options: PingOptions,
): Promise<number> {
  const { dial, signal, clock } = options
  for (let tries = 1; ; tries += 1) {
    await dial(signal)
    try {
      return await pingOnce(node, peerId, options)
    } catch (error) {
      const isCut = hasCode(error, 'STREAM_TRUNCATED') || hasCode(error, 'PEER_UNREACHABLE')
      if (!isCut || tries === MAX_TRIES) throw error
      await sleep(CUT_MS, { signal, clock })
    }
  }
}

async function pingOnce(node: MeshNode, peerId: string, options: PingOptions): Promise<number> {
  const { signal, clock } = options
  for (;;) {
    let stream: Duplex
    try {
      stream = await openStream(node, peerId, PROTOCOL, options)
    } catch (error) {
      if (!isBusy(error)) throw error
      await sleep(BUSY_MS, { signal, clock })
      continue
    }
    const onAbort = () => stream.destroy()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await roundTrip(stream, peerId, clock)
    } finally {
      signal.removeEventListener('abort', onAbort)
      stream.destroy()
    }
  }
}

async function roundTrip(stream: Duplex, peerId: string, clock: Clock): Promise<number> {
  const sent = randomBytes(PING_BYTES)
  const started = clock.monotonic()
  stream.write(sent)
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of stream as AsyncIterable<Buffer>) {
    parts.push(part)
    bytes += part.byteLength
    if (bytes >= PING_BYTES) break
  }
  const rttMs = clock.monotonic() - started
  if (bytes < PING_BYTES) {
    throw new MeshError('STREAM_TRUNCATED', `${peerId} ended the stream without an answer.`, {
      data: { peerId },
    })
  }
  if (Buffer.concat(parts).equals(sent)) return rttMs
  throw new MeshError('STREAM_MALFORMED', `${peerId} answered other bytes than were sent.`, {
    data: { peerId },
  })
}

const isBusy = (error: unknown) =>
  error instanceof Error && error.cause instanceof Error && error.cause.name === BUSY
