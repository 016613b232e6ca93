/** One round trip to a peer, on a live connection. */
import { peerIdFromString } from '@libp2p/peer-id'
import { hasCode } from '../util/index.ts'
import type { MeshNode } from './node.ts'
import { unreachable } from './request.ts'

/** ms. Errors: `PEER_UNREACHABLE`; what the signal ends is its caller's. */
export async function pingPeer(
  node: MeshNode,
  peerId: string,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await node.services.ping.ping(peerIdFromString(peerId), { signal })
  } catch (cause) {
    if (signal.aborted || hasCode(cause, 'PEER_UNREACHABLE')) throw cause
    throw unreachable(peerId, cause)
  }
}
