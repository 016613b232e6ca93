/**
 * Finds members that no link shows, by the mesh's own Kademlia DHT: asks the peers that are
 * connected for those close to the own id, and reports whom they name.
 */
import { repeat, explain, type Clock, type Logger, type Startable } from '../../util/index.ts'
import type { MeshNode } from '../node.ts'
import type { Found } from './packets.ts'

/** One walk, ms. */
const WALK_TIMEOUT_MS = 10_000
/** Peers taken from one walk. */
const MAX_FOUND = 64

export interface DhtInit {
  node: MeshNode
  intervalMs: number
  onFound: (found: Found) => void
}

export interface DhtDiscovery extends Startable {
  /** Someone connected: walks now. */
  wake(): void
}

export function createDhtDiscovery(
  { node, intervalMs, onFound }: DhtInit,
  { logger, clock }: { logger: Logger; clock: Clock },
): DhtDiscovery {
  async function walk(signal: AbortSignal): Promise<void> {
    if (node.getConnections().length === 0) return
    const deadline = new AbortController()
    const end = () => deadline.abort()
    const cancel = clock.after(WALK_TIMEOUT_MS, end)
    signal.addEventListener('abort', end, { once: true })
    try {
      let count = 0
      const key = node.peerId.toMultihash().bytes
      for await (const peer of node.peerRouting.getClosestPeers(key, { signal: deadline.signal })) {
        const addresses = peer.multiaddrs.map((address) => address.toString())
        if (addresses.length > 0) onFound({ peerId: peer.id.toString(), addresses })
        count += 1
        if (count >= MAX_FOUND) break
      }
    } finally {
      cancel()
      signal.removeEventListener('abort', end)
    }
  }

  return repeat(walk, {
    everyMs: intervalMs,
    maxDelayMs: intervalMs,
    onError: (error) => logger.debug({ error: explain(error) }, 'DHT walk failed'),
    clock,
  })
}
