/** Streams of the journal protocol: handed to who serves them, and opened to peers, which are dialled if need be. */
import type { Duplex } from 'node:stream'
import { withDeadline, type Clock } from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import type { Dialer } from '../links/dialer.ts'
import type { MeshNode } from '../node/node.ts'
import { handle, openStream } from './request.ts'
import type { StreamOptions } from '../types.ts'

const OPEN_TIMEOUT_MS = 10_000

export type JournalHandler = (stream: Duplex, peerId: string) => void

export interface JournalStreams {
  /** Before the node starts. */
  serve(node: MeshNode): Promise<void>
  /** While there is no handler, streams are refused. Returns the way to end it. */
  handle(handler: JournalHandler): () => void
  /** Errors: `PEER_UNREACHABLE`, `PEER_FOREIGN`, `DEADLINE`, `ABORTED`. */
  open(node: MeshNode, peerId: string, options?: StreamOptions): Promise<Duplex>
}

export function createJournalStreams(
  { protocol }: { protocol: string },
  { dialer, counters, clock }: { dialer: Pick<Dialer, 'dial'>; counters: Counters; clock: Clock },
): JournalStreams {
  const handlers = new Set<JournalHandler>()
  return {
    serve: (node) =>
      handle(node, protocol, (stream, from) => {
        counters.add('streams.journal')
        if (handlers.size === 0) stream.destroy()
        for (const handler of handlers) handler(stream, from)
      }),
    handle(handler) {
      handlers.add(handler)
      return () => void handlers.delete(handler)
    },
    async open(node, to, { signal, timeoutMs = OPEN_TIMEOUT_MS } = {}) {
      const open = async (inner: AbortSignal) => {
        await dialer.dial(to, inner)
        return openStream(node, to, protocol, { signal: inner, timeoutMs, clock })
      }
      return withDeadline(`open a journal stream to ${to}`, timeoutMs, open, { signal, clock })
    },
  }
}
