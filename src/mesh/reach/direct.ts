/**
 * From relayed to direct connections. A peer that was first met through a relay may be on the same
 * network, or have become reachable; libp2p would stay with the relay. So its direct addresses are
 * tried now and then, and at once when mDNS names one; hole punching (DCUtR) tries from its side. Where
 * a direct connection stands, the relayed ones are closed.
 *
 *   relayed ──(direct address answers, or hole punched)──→ both ──→ direct
 *      └──(fails)──→ pausing: 15 s, doubling to 10 min ──→ relayed
 *
 * Gossip keeps one stream to a peer, on the connection that was there first, and opens no other when
 * that one is closed while the peer stays connected. Identifying the peer again makes it open one.
 */
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { explain, repeat, withDeadline, type Clock, type Logger } from '../../util/index.ts'
import type { Startable } from '../../util/index.ts'
import { dialable, isRelayed, type LocalAddress } from '../node/addresses.ts'
import type { Counters } from '../counters.ts'
import { DIAL_TIMEOUT_MS, type MeshNode } from '../node/node.ts'

/** Between looks at relayed peers, ms. */
const LOOK_MS = 5000
/** First and longest pause between tries of one peer, ms. */
const PAUSE_MS = 15_000
const MAX_PAUSE_MS = 600_000
/** Tries at the same time. */
const MAX_TRIES = 4
/** To close a relayed connection, or to identify a peer again, ms. */
const STEP_TIMEOUT_MS = 5000

export interface DirectInit {
  /** Addresses that are known of a peer. */
  addresses: (peerId: string) => string[]
  local: () => LocalAddress[]
}

export interface Direct extends Startable {
  attach(node: MeshNode, signal: AbortSignal): void
  /** New addresses of a peer: if it is relayed, they are tried soon. */
  heardOf(peerId: string, addresses: readonly string[]): void
}

export function createDirect(
  { addresses, local }: DirectInit,
  components: { counters: Counters; logger: Logger; clock: Clock },
): Direct {
  const { counters, logger, clock } = components
  const tries = new Map<string, { failures: number; notBefore: number; tried: string[] }>()
  const trying = new Set<string>()
  let node: MeshNode | undefined

  const open = (peerId: string): Connection[] =>
    node?.getConnections(peerIdFromString(peerId)).filter(({ status }) => status === 'open') ?? []

  /** Peers that are connected through relays alone. */
  function relayed(): string[] {
    const all = new Map<string, boolean>()
    for (const { remotePeer, direct } of node?.getConnections() ?? []) {
      const peerId = remotePeer.toString()
      all.set(peerId, all.get(peerId) === true || direct)
    }
    return [...all].flatMap(([peerId, direct]) => (direct ? [] : [peerId]))
  }

  async function look(signal: AbortSignal): Promise<void> {
    const now = clock.monotonic()
    const peers = relayed()
    for (const peerId of tries.keys()) if (!peers.includes(peerId)) tries.delete(peerId)
    for (const peerId of peers) {
      if (trying.size >= MAX_TRIES) return
      if (!trying.has(peerId) && (tries.get(peerId)?.notBefore ?? 0) <= now) {
        void attempt(peerId, signal)
      }
    }
  }

  async function attempt(peerId: string, signal: AbortSignal): Promise<void> {
    const running = node
    const known = dialable(addresses(peerId), local()).filter((text) => !isRelayed(text))
    const failures = (tries.get(peerId)?.failures ?? 0) + 1
    const pause = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** Math.min(16, failures - 1))
    tries.set(peerId, { failures, notBefore: clock.monotonic() + pause, tried: known })
    if (running === undefined || known.length === 0) return
    trying.add(peerId)
    counters.add('direct.tried')
    try {
      const to = known.map((text) => {
        const address = multiaddr(text)
        return text.endsWith(`/p2p/${peerId}`) ? address : address.encapsulate(`/p2p/${peerId}`)
      })
      const dial = (inner: AbortSignal) => running.dial(to, { signal: inner, force: true })
      await withDeadline(`dial ${peerId} directly`, DIAL_TIMEOUT_MS, dial, { signal, clock })
    } catch (error) {
      logger.debug({ peerId, error: explain(error) }, 'still only through a relay')
    } finally {
      trying.delete(peerId)
    }
  }

  /** A direct connection stands beside relayed ones: those are closed. */
  async function opened({ remotePeer, direct, remoteAddr }: Connection): Promise<void> {
    const peerId = remotePeer.toString()
    if (!direct) {
      counters.add('links.relayed')
      loop.wake()
    }
    const all = open(peerId)
    const through = all.filter((at) => !at.direct)
    if (through.length === 0 || through.length === all.length) return
    counters.add('links.upgraded')
    logger.info({ peerId, address: remoteAddr.toString() }, 'direct now, no longer through a relay')
    await Promise.all(
      through.map((at) =>
        withDeadline(
          'close a relayed connection',
          STEP_TIMEOUT_MS,
          (signal) => at.close({ signal }),
          {
            clock,
          },
        ).catch((error: unknown) => at.abort(error instanceof Error ? error : new Error('late'))),
      ),
    )
  }

  /** One of several connections to a peer went: what ran over it must begin anew on another. */
  async function closed({ remotePeer }: Connection): Promise<void> {
    const running = node
    const [left] = open(remotePeer.toString())
    if (running === undefined || left === undefined) return
    counters.add('links.moved')
    const identify = (signal: AbortSignal) => running.services.identify.identify(left, { signal })
    await withDeadline('identify again', STEP_TIMEOUT_MS, identify, { clock }).catch(
      (error: unknown) => {
        logger.debug({ peerId: remotePeer.toString(), error: explain(error) }, 'not identified')
      },
    )
  }

  const loop = repeat(look, {
    everyMs: LOOK_MS,
    onError: (error) => logger.warn({ error: explain(error) }, 'relayed peers were not looked at'),
    clock,
  })

  return {
    attach(to, signal) {
      node = to
      to.addEventListener('connection:open', ({ detail }) => void opened(detail), { signal })
      to.addEventListener('connection:close', ({ detail }) => void closed(detail), { signal })
    },
    heardOf(peerId, heard) {
      const before = tries.get(peerId)
      const isNew = (text: string) => !isRelayed(text) && !before?.tried.includes(text)
      if (before === undefined || !heard.some(isNew)) return
      tries.set(peerId, { ...before, failures: 0, notBefore: 0 })
      loop.wake()
    },
    start: () => loop.start(),
    async stop() {
      await loop.stop()
      node = undefined
      tries.clear()
    },
  }
}
