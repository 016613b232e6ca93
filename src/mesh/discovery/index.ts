/** The ways to find peers, as configured. Bootstrap addresses are the dialer's. */
import type { Clock, Logger, Startable } from '../../util/index.ts'
import type { LocalAddress } from '../addresses.ts'
import type { Counters } from '../counters.ts'
import type { Settings } from '../init.ts'
import type { MeshNode } from '../node.ts'
import { createDhtDiscovery } from './dht.ts'
import { createMdns } from './mdns.ts'
import type { Found } from './packets.ts'

export interface DiscoveryInit extends Pick<Settings, 'mdns' | 'dht'> {
  meshName: string
  peerId: string
  node: MeshNode
  /** Own multiaddrs with peer id, unfiltered. */
  listening: () => string[]
  onFound: (found: Found) => void
}

export interface Discovery extends Startable {
  /** The set of connected members changed. */
  wake(): void
}

export function createDiscovery(
  { meshName, peerId, node, mdns, dht, listening, onFound }: DiscoveryInit,
  components: { local: () => LocalAddress[]; counters: Counters; logger: Logger; clock: Clock },
): Discovery {
  const byLink = mdns.enabled
    ? createMdns({ ...mdns, meshName, peerId, listening, onFound }, components)
    : undefined
  const byDht = dht.enabled
    ? createDhtDiscovery({ node, intervalMs: dht.intervalMs, onFound }, components)
    : undefined
  return {
    async start() {
      await byLink?.start()
      await byDht?.start()
    },
    async stop() {
      await Promise.all([byLink?.stop(), byDht?.stop()])
    },
    wake: () => byDht?.wake(),
  }
}
