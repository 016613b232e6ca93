/**
 * The protocol `help/1`: one message, one receipt. The mesh checks size and form, and who the sender
 * is; what is said, and whether its signatures hold, is for the handler.
 */
import { decodeJson, encodeJson, withDeadline, type Clock, type Logger } from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import { MeshError } from '../errors.ts'
import type { Dialer } from '../links/dialer.ts'
import type { MeshNode } from '../node/node.ts'
import type { StreamOptions } from '../types.ts'
import { protocols, type HelpMessage, type HelpReceipt } from '../wire.ts'
import { request, serve } from './request.ts'

const { maxBytes, maxRequestBytes, request: requestSchema, response } = protocols.help
/** For a message with its receipt, ms: a letter may have three more peers to go to. */
const RECEIPT_MS = 15_000
/** Messages of one peer at once. */
const MAX_STREAMS = 8

export type HelpHandler = (message: HelpMessage, from: string) => Promise<HelpReceipt>

export interface HelpStreams {
  /** Serves the protocol until the node stops. Without a handler everything is refused. */
  serve(node: MeshNode): Promise<void>
  handle(handler: HelpHandler): () => void
  /** Dials the peer if need be. Errors: as `request`, `TOO_LARGE`, `INVALID`. */
  send(
    node: MeshNode,
    peerId: string,
    message: HelpMessage,
    options?: StreamOptions,
  ): Promise<HelpReceipt>
}

export function createHelpStreams(
  { protocol }: { protocol: string },
  components: {
    dialer: Pick<Dialer, 'dial'>
    counters: Counters
    logger: Logger
    clock: Clock
  },
): HelpStreams {
  const { dialer, counters, logger, clock } = components
  let handler: HelpHandler | undefined

  async function answer(body: Uint8Array, from: string): Promise<Uint8Array> {
    const what = 'a message about help'
    const message = decodeJson(body, { what, schema: requestSchema, maxBytes: maxRequestBytes })
    const none: HelpReceipt = { v: 1, outcome: 'refused', why: 'no-help' }
    return encodeJson((await handler?.(message, from)) ?? none)
  }

  return {
    serve: (node) =>
      serve(node, protocol, {
        maxBytes: maxRequestBytes,
        answer,
        timeoutMs: RECEIPT_MS,
        maxStreams: MAX_STREAMS,
        counters,
        logger,
        clock,
      }),
    handle(next) {
      handler = next
      return () => {
        if (handler === next) handler = undefined
      }
    },
    async send(node, to, message, { signal, timeoutMs = RECEIPT_MS } = {}) {
      const body = encodeJson(message)
      if (body.byteLength > maxRequestBytes) {
        throw new MeshError(
          'MESSAGE_TOO_LARGE',
          `A message about help has ${body.byteLength} bytes.`,
          {
            data: { protocol, bytes: body.byteLength, maxBytes: maxRequestBytes },
          },
        )
      }
      const send = async (inner: AbortSignal) => {
        await dialer.dial(to, inner)
        return request(node, to, protocol, body, { maxBytes, signal: inner, timeoutMs, clock })
      }
      const receipt = await withDeadline(`send help to ${to}`, timeoutMs, send, { signal, clock })
      return decodeJson(receipt, { what: `the receipt of ${to}`, schema: response, maxBytes })
    },
  }
}
