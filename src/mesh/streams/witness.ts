/**
 * The protocol `witness/1`: what others know of a peer's own journals, so that one whose home was set
 * back in time finds out before it writes. The mesh only carries question and answer; a peer is told
 * about its own journals alone, since `from` is authenticated.
 */
import { decodeJson, encodeJson, type Clock, type Logger } from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import type { MeshNode } from '../node/node.ts'
import { request, serve } from './request.ts'
import type { StreamOptions } from '../types.ts'
import { protocols, type WitnessAnswer, type WitnessRequest } from '../wire.ts'

const { maxBytes, request: requestSchema, response: responseSchema } = protocols.witness
/** A question with its answer, ms. */
const ANSWER_MS = 3000

export type WitnessHandler = (request: WitnessRequest, from: string) => Promise<WitnessAnswer>

export interface Witnesses {
  /** Serves the protocol until the node stops. Without a handler nothing is known. */
  serve(node: MeshNode): Promise<void>
  handle(handler: WitnessHandler): () => void
  /** Errors: as `request`, `TOO_LARGE`, `INVALID`. */
  ask(
    node: MeshNode,
    peerId: string,
    question: WitnessRequest,
    options?: StreamOptions,
  ): Promise<WitnessAnswer>
}

export function createWitnesses(
  { protocol }: { protocol: string },
  components: { counters: Counters; logger: Logger; clock: Clock },
): Witnesses {
  const { clock } = components
  let handler: WitnessHandler | undefined

  async function answer(body: Uint8Array, from: string): Promise<Uint8Array> {
    const what = 'a question for witnesses'
    const question = decodeJson(body, { what, schema: requestSchema, maxBytes })
    return encodeJson((await handler?.(question, from)) ?? { v: 1, heads: [] })
  }

  return {
    serve: (node) => serve(node, protocol, { maxBytes, answer, ...components }),
    handle(next) {
      handler = next
      return () => {
        if (handler === next) handler = undefined
      }
    },
    async ask(node, peerId, question, { signal, timeoutMs = ANSWER_MS } = {}) {
      const options = { maxBytes, signal, timeoutMs, clock }
      const body = await request(node, peerId, protocol, encodeJson(question), options)
      const what = `the testimony of ${peerId}`
      return decodeJson(body, { what, schema: responseSchema, maxBytes })
    },
  }
}
