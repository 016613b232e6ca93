/**
 * Streams between two peers: opening one, and the request protocol on top (one message each way,
 * in frames, each closed by END). Every step has a deadline; at its end the stream is reset.
 */
import type { Duplex } from 'node:stream'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { explain, withDeadline, type Clock, type Logger } from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import { toDuplex } from './duplex.ts'
import { MeshError } from '../errors.ts'
import { encodeFrames, readFrames } from './frames.ts'

/** Streams per protocol and connection. */
export const MAX_INBOUND_STREAMS = 32
export const MAX_OUTBOUND_STREAMS = 64
/** A request with its answer, ms. */
export const REQUEST_TIMEOUT_MS = 5000

type Dialling = Pick<Libp2p, 'getConnections'>
type Serving = Pick<Libp2p, 'handle'>

export interface OpenOptions {
  signal?: AbortSignal | undefined
  timeoutMs: number
  clock: Clock
}

/**
 * Opens a stream on a live connection. Errors: `PEER_UNREACHABLE`, `PEER_FOREIGN`, `DEADLINE`,
 * `ABORTED`.
 */
export async function openStream(
  node: Dialling,
  peerId: string,
  protocol: string,
  { signal, timeoutMs, clock }: OpenOptions,
): Promise<Duplex> {
  const open = async (inner: AbortSignal): Promise<Duplex> => {
    const connection = node.getConnections(peerIdFromString(peerId)).find(isOpen)
    if (connection === undefined) throw unreachable(peerId)
    try {
      const stream = await connection.newStream([protocol], { signal: inner })
      const duplex = toDuplex(stream, peerId)
      if (inner.aborted) duplex.destroy()
      return duplex
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'UnsupportedProtocolError') {
        throw new MeshError('PEER_FOREIGN', `${peerId} does not speak ${protocol}.`, {
          data: { peerId, protocol },
          next: 'Check that both run the same mesh name and versions that fit.',
        })
      }
      throw unreachable(peerId, cause)
    }
  }
  return withDeadline(`open ${protocol} to ${peerId}`, timeoutMs, open, { signal, clock })
}

/** Sends `body` and returns the answer. Errors: as `openStream`, `STREAM_TRUNCATED`, `STREAM_MALFORMED`. */
export async function request(
  node: Dialling,
  peerId: string,
  protocol: string,
  body: Uint8Array,
  { maxBytes, ...options }: OpenOptions & { maxBytes: number },
): Promise<Uint8Array> {
  const stream = await openStream(node, peerId, protocol, options)
  try {
    return await withDeadline(
      `answer of ${peerId} on ${protocol}`,
      options.timeoutMs,
      () => {
        stream.end(encodeFrames(body))
        return readFrames(stream, maxBytes)
      },
      { signal: options.signal, clock: options.clock },
    )
  } finally {
    stream.destroy()
  }
}

export interface ServeOptions {
  /** Largest request, bytes. */
  maxBytes: number
  /** Throwing resets the stream. */
  answer: (
    body: Uint8Array,
    peerId: string,
    connection: Connection,
  ) => Promise<Uint8Array> | Uint8Array
  /** After the answer went out, or failed. */
  onEnd?: (connection: Connection) => void
  /** For the request with its answer, ms. Default `REQUEST_TIMEOUT_MS`. */
  timeoutMs?: number
  /** Streams at once on one connection. Default `MAX_INBOUND_STREAMS`. */
  maxStreams?: number
  counters: Counters
  logger: Logger
  clock: Clock
}

/** Serves the request protocol until the node stops. */
export async function serve(node: Serving, protocol: string, options: ServeOptions): Promise<void> {
  const { maxBytes, answer, onEnd, timeoutMs = REQUEST_TIMEOUT_MS, maxStreams } = options
  const { counters, logger, clock } = options
  const serveOne: StreamTaker = (stream, peerId, connection) => {
    withDeadline(
      `request of ${peerId} on ${protocol}`,
      timeoutMs,
      async () => {
        const reply = await answer(await readFrames(stream, maxBytes), peerId, connection)
        await new Promise<void>((resolve, reject) => {
          stream.once('close', resolve).once('error', reject).end(encodeFrames(reply))
        })
      },
      { clock },
    )
      .catch((error: unknown) => {
        counters.add('requests.failed')
        logger.debug({ peerId, protocol, error: explain(error) }, 'request failed')
      })
      .finally(() => {
        stream.destroy()
        onEnd?.(connection)
      })
  }
  await handle(node, protocol, serveOne, maxStreams)
}

type StreamTaker = (stream: Duplex, peerId: string, connection: Connection) => void

/** Serves a protocol with a Duplex per stream, until the node stops. */
export async function handle(
  node: Serving,
  protocol: string,
  handler: StreamTaker,
  maxInboundStreams = MAX_INBOUND_STREAMS,
): Promise<void> {
  await node.handle(
    protocol,
    (stream: Stream, connection: Connection) => {
      const peerId = connection.remotePeer.toString()
      handler(toDuplex(stream, peerId), peerId, connection)
    },
    { maxInboundStreams, maxOutboundStreams: MAX_OUTBOUND_STREAMS },
  )
}

function isOpen({ status }: Connection): boolean {
  return status === 'open'
}

export function unreachable(peerId: string, cause?: unknown): MeshError {
  return new MeshError('PEER_UNREACHABLE', `There is no connection to ${peerId}.`, {
    data: { peerId },
    ...(cause === undefined ? {} : { cause }),
  })
}
