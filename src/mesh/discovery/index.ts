/** The ways to find peers, as configured. Bootstrap addresses are the dialer's. */
import type { Clock, Logger, Startable } from '../../util/index.ts'
import type { LocalAddress } from '../node/addresses.ts'
import type { Counters } from '../counters.ts'
import type { Settings } from '../init.ts'
import type { MeshNode } from '../node/node.ts'
import type { MulticastState } from '../types.ts'
import { createDhtDiscovery } from './dht.ts'
import { createMdns } from './mdns.ts'
import type { Found } from './packets.ts'

export interface DiscoveryInit extends Pick<Settings, 'mdns' | 'dht'> {
  meshName: string
  peerId: string
  /** Names the rendezvous of the mesh in its DHT. */
  meshId: string
  node: MeshNode
  /** Own multiaddrs with peer id, unfiltered. */
  listening: () => string[]
  /** `link`: it is on the same network. */
  onFound: (found: Found, by: 'link' | 'dht') => void
}

export interface Discovery extends Startable {
  /** The set of connected members changed. */
  wake(): void
  /** A member's addresses are unknown or wrong: asks the DHT, if there is one, and reports. */
  find(peerId: string): Promise<void>
  /** Interfaces that mDNS uses. */
  multicast(): MulticastState[]
  /** Peers in the DHT's table; null without a DHT. */
  table(): number | null
}

export function createDiscovery(
  { meshName, meshId, peerId, node, mdns, dht, listening, onFound }: DiscoveryInit,
  components: { local: () => LocalAddress[]; counters: Counters; logger: Logger; clock: Clock },
): Discovery {
  const byLink = mdns.enabled
    ? createMdns(
        { ...mdns, meshName, peerId, listening, onFound: (found) => onFound(found, 'link') },
        components,
      )
    : undefined
  const byDht = dht.enabled
    ? createDhtDiscovery(
        { node, meshId, intervalMs: dht.intervalMs, onFound: (found) => onFound(found, 'dht') },
        components,
      )
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
    find: async (peerId) => byDht?.find(peerId),
    multicast: () => byLink?.state() ?? [],
    table: () => byDht?.size() ?? null,
  }
}
