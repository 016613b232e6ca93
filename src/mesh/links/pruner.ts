/** Closes connections that are too many, by `surplus.ts`: looks now and then, and closes one at a time. */
import {
  explain,
  RecentMap,
  repeat,
  type Clock,
  type Logger,
  type Startable,
} from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import type { MeshNode } from '../node/node.ts'
import type { Dialer } from './dialer.ts'
import { hangUp } from './greeter.ts'
import { surplus, type Link } from './surplus.ts'
import type { Words } from './words.ts'

/** One that comes back this soon after it was closed is left alone, ms. */
const RETURN_MS = 60 * 60_000
const MAX_CLOSED = 1_000
/** Streams that live as long as the connection, or look whether it lives; any other is in use. */
const LASTING = /^\/meshsub\/|^\/ipfs\/ping\/|\/journal\/\d+$/

export interface PrunerInit {
  peerId: string
  enough: number
  /** Between looks, ms. */
  everyMs: number
}

export interface PrunerComponents {
  node: MeshNode
  dialer: Pick<Dialer, 'members' | 'isPinned'>
  /** Members that are connected. */
  connected: () => readonly string[]
  words: Pick<Words, 'about'>
  counters: Counters
  logger: Logger
  clock: Clock
}

export function createPruner(init: PrunerInit, components: PrunerComponents): Startable {
  const { peerId: own, enough, everyMs } = init
  const { node, dialer, connected, words, counters, logger, clock } = components
  const closed = new RecentMap<string, number>(MAX_CLOSED)
  let isClosing = false

  function links(): Link[] {
    const now = clock.monotonic()
    const peers = connected()
    const used = inUse()
    return peers.map((peerId) => ({
      peerId,
      isNeeded:
        used.has(peerId) ||
        dialer.isPinned(peerId) ||
        now - (closed.get(peerId) ?? -Infinity) < RETURN_MS,
      words: words.about(peerId, peers).length,
    }))
  }

  /** With a stream that does something, and those through which others are reached. */
  function inUse(): Set<string> {
    const used = new Set<string>()
    const relays = node.getMultiaddrs().map((address) => address.toString())
    for (const { remotePeer, remoteAddr, streams } of node.getConnections()) {
      if (streams.some(({ protocol }) => !LASTING.test(protocol))) used.add(remotePeer.toString())
      relays.push(remoteAddr.toString())
    }
    for (const text of relays) {
      const [, relay] = /\/p2p\/([^/]+)\/p2p-circuit/.exec(text) ?? []
      if (relay !== undefined) used.add(relay)
    }
    return used
  }

  async function look(): Promise<void> {
    const members = dialer.members()
    const found = surplus({ own, members, links: links(), enough, isClosing })
    isClosing = found.isClosing
    if (found.close === undefined) return
    closed.set(found.close, clock.monotonic())
    counters.add('links.surplus')
    logger.debug({ peerId: found.close }, 'closed a connection that nobody seeks')
    await hangUp(node, found.close)
  }

  return repeat(look, {
    everyMs,
    immediate: false,
    onError: (error) => logger.warn({ error: explain(error) }, 'connections were not looked at'),
    clock,
  })
}
