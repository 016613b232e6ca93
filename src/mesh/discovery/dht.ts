/**
 * Finds members that no link shows, by the mesh's own Kademlia DHT, in three ways: a walk towards
 * the own id finds those that are near it in the table; the mesh's rendezvous key, which every member
 * provides, finds all of them; and a member whose addresses are not known, or no longer right, is
 * looked up by its peer id.
 *
 * The rendezvous key is SHA-256("bzzz:" + mesh id). A record of a member that went stays for
 * an hour; it costs the others a few dials in vain.
 */
import type { KadDHT, SingleKadDHT } from '@libp2p/kad-dht'
import { peerIdFromString } from '@libp2p/peer-id'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import { setMaxListeners } from 'node:events'
import { repeat, explain, type Clock, type Logger, type Startable } from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import type { MeshNode } from '../node/node.ts'
import type { Found } from './packets.ts'

/** One walk or look-up, ms. */
const QUERY_TIMEOUT_MS = 10_000
/** Peers taken from one walk. */
const MAX_FOUND = 64
/** Members taken from one look at the rendezvous key: as many as a mesh is made for, and some. */
const MAX_PROVIDERS = 128
/** How often the own record is made anew, ms; others keep it for `PROVIDER_LIFE_MS` of the node. */
const PROVIDE_EVERY_MS = 600_000
/** Between looks at the rendezvous key, in walks. */
const WALKS_PER_LOOK = 6
/** Look-ups of single members at a time; further ones are left out. */
const MAX_LOOKUPS = 4

export interface DhtInit {
  node: MeshNode
  /** Names the rendezvous. */
  meshId: string
  intervalMs: number
  onFound: (found: Found) => void
}

export interface DhtDiscovery extends Startable {
  /** Someone connected: walks now. */
  wake(): void
  /** Asks for the present addresses of one member and reports them; never throws. */
  find(peerId: string): Promise<void>
  /** Peers in the routing table. */
  size(): number
}

/** The key that all members of a mesh provide. */
export async function rendezvous(meshId: string): Promise<CID> {
  return CID.createV1(raw.code, await sha256.digest(new TextEncoder().encode(`bzzz:${meshId}`)))
}

export function createDhtDiscovery(
  { node, meshId, intervalMs, onFound }: DhtInit,
  { counters, logger, clock }: { counters: Counters; logger: Logger; clock: Clock },
): DhtDiscovery {
  const lookups = new Set<string>()
  let walks = 0
  let provided = { at: Number.NEGATIVE_INFINITY, peers: 0, addresses: '' }
  let stopping = new AbortController()

  /** Runs a query that ends with its deadline or with `signal`, whichever is first. */
  async function query(signal: AbortSignal, run: (inner: AbortSignal) => Promise<void>) {
    const deadline = new AbortController()
    const end = () => deadline.abort()
    const cancel = clock.after(QUERY_TIMEOUT_MS, end)
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
    try {
      await run(deadline.signal)
    } finally {
      cancel()
      signal.removeEventListener('abort', end)
    }
  }

  const report = (peer: { id: { toString(): string }; multiaddrs: { toString(): string }[] }) => {
    const addresses = peer.multiaddrs.map((address) => address.toString())
    if (addresses.length > 0) onFound({ peerId: peer.id.toString(), addresses })
  }

  async function walk(signal: AbortSignal): Promise<void> {
    if (size() === 0) return
    await query(signal, async (inner) => {
      let count = 0
      const key = node.peerId.toMultihash().bytes
      for await (const peer of node.peerRouting.getClosestPeers(key, { signal: inner })) {
        report(peer)
        count += 1
        if (count >= MAX_FOUND) break
      }
    })
    const key = await rendezvous(meshId)
    if (walks++ % WALKS_PER_LOOK === 0) await meet(key, signal)
    await provide(key, signal)
  }

  /**
   * Makes oneself known under the rendezvous key: when it is time, when the table has grown, and when
   * the own addresses changed, which those that are not connected learn in no other way.
   */
  async function provide(key: CID, signal: AbortSignal): Promise<void> {
    const addresses = node.getMultiaddrs().join(' ')
    const peers = size()
    const isLate = clock.monotonic() - provided.at > PROVIDE_EVERY_MS
    if (addresses === '') return
    if (!isLate && peers < 2 * provided.peers && addresses === provided.addresses) return
    await query(signal, async (inner) => node.contentRouting.provide(key, { signal: inner }))
    provided = { at: clock.monotonic(), peers: Math.max(1, peers), addresses }
    counters.add('dht.provided')
  }

  /** Looks who else is there. */
  async function meet(key: CID, signal: AbortSignal): Promise<void> {
    await query(signal, async (inner) => {
      let count = 0
      for await (const peer of node.contentRouting.findProviders(key, { signal: inner })) {
        report(peer)
        count += 1
        if (count >= MAX_PROVIDERS) break
      }
      counters.add('dht.looks')
    })
  }

  async function find(peerId: string): Promise<void> {
    if (stopping.signal.aborted || size() === 0) return
    if (lookups.has(peerId) || lookups.size >= MAX_LOOKUPS) return
    lookups.add(peerId)
    counters.add('dht.lookups')
    try {
      await query(stopping.signal, async (inner) => {
        const options = { signal: inner, useCache: false }
        report(await node.peerRouting.findPeer(peerIdFromString(peerId), options))
      })
    } catch (error) {
      counters.add('dht.lookups.failed')
      logger.debug({ peerId, error: explain(error) }, 'the DHT does not know a member')
    } finally {
      lookups.delete(peerId)
    }
  }

  const size = (): number => {
    const { dht } = node.services
    return dht !== undefined && hasTable(dht) ? dht.routingTable.size : 0
  }

  const loop = repeat(walk, {
    everyMs: intervalMs,
    maxDelayMs: intervalMs,
    onError: (error) => logger.debug({ error: explain(error) }, 'DHT walk failed'),
    clock,
  })
  return {
    async start() {
      stopping = new AbortController()
      setMaxListeners(0, stopping.signal)
      await loop.start()
    },
    async stop() {
      stopping.abort()
      await loop.stop()
    },
    wake() {
      walks = 0
      loop.wake()
    },
    find,
    size,
  }
}

/** The type that the library's factory promises leaves it out. */
function hasTable(dht: KadDHT): dht is SingleKadDHT {
  return 'routingTable' in dht
}
