/**
 * Reads a peer's capabilities over its new connection. Only then does it count as connected: it
 * speaks this mesh's protocols, and what it can do is known at once, without waiting for gossip.
 * A peer of another mesh, or one that sends nonsense, is hung up on. One that cuts the question off
 * may not know yet that we are a member: we introduce ourselves and ask again.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { encodeJson, explain, hasCode, sleep, type Clock, type Logger } from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import type { Inbox } from '../gossip/inbox.ts'
import type { MeshNode } from '../node/node.ts'
import { request, REQUEST_TIMEOUT_MS } from '../streams/request.ts'
import type { Signed } from '../gossip/announcement.ts'
import { join, protocols } from '../wire.ts'

const ATTEMPTS = 3
const RETRY_MS = 300
const CLOSE_TIMEOUT_MS = 1000

export type Greeting =
  | { is: 'member'; signed: Signed | undefined }
  /** Of another mesh, or broken: already hung up on. */
  | { is: 'refused' }
  /** The connection went, or the mesh stops. */
  | { is: 'gone' }

export interface GreeterComponents {
  /** Resolves with whether the peer takes us for a member now. */
  introduce: (peerId: string) => Promise<boolean>
  node: MeshNode
  protocol: string
  inbox: Inbox
  counters: Counters
  logger: Logger
  clock: Clock
  signal: AbortSignal
}

export async function greet(peerId: string, components: GreeterComponents): Promise<Greeting> {
  const { node, protocol, inbox, introduce, counters, logger, clock, signal } = components
  const { maxBytes } = protocols.capabilities
  const options = { maxBytes, signal, timeoutMs: REQUEST_TIMEOUT_MS, clock }
  for (let attempt = 1; ; attempt += 1) {
    try {
      const data = await request(node, peerId, protocol, encodeJson(null), options)
      const verdict = await inbox.direct(peerId, data)
      if (verdict.ok) return { is: 'member', signed: verdict.message }
      if (verdict.reason === 'replayed') return { is: 'member', signed: undefined }
      logger.warn({ peerId, reason: verdict.reason }, 'hung up on a peer with bad capabilities')
      await hangUp(node, peerId)
      return { is: 'refused' }
    } catch (error) {
      if (signal.aborted || !isConnected(node, peerId)) return { is: 'gone' }
      const foreign = hasCode(error, 'PEER_FOREIGN')
      if (!foreign && attempt === 1 && (await introduce(peerId))) continue
      // A machine that asks to join speaks nothing else, and is a member while it hears the answer.
      if (attempt >= ATTEMPTS && !isJoining(node, peerId)) {
        counters.add(foreign ? 'peers.foreign' : 'peers.mute')
        logger.info({ peerId, error: explain(error) }, 'hung up on a peer that did not answer')
        await hangUp(node, peerId)
        return { is: 'refused' }
      }
      await sleep(RETRY_MS * Math.min(attempt, ATTEMPTS), { signal, clock }).catch(() => undefined)
    }
  }
}

/** Closes all connections to a peer; what does not close in time is reset. */
export async function hangUp(node: MeshNode, peerId: string): Promise<void> {
  await node
    .hangUp(peerIdFromString(peerId), { signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
    .catch(() => {
      for (const connection of node.getConnections(peerIdFromString(peerId))) {
        connection.abort(new Error('The connection did not close in time.'))
      }
    })
}

function isJoining(node: MeshNode, peerId: string): boolean {
  return node
    .getConnections(peerIdFromString(peerId))
    .some(({ streams }) => streams.some(({ protocol }) => protocol === join.protocol))
}

function isConnected(node: MeshNode, peerId: string): boolean {
  return node.getConnections(peerIdFromString(peerId)).some(({ status }) => status === 'open')
}
