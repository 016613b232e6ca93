/**
 * Keeps reservations at members that serve as relays, while there is no public address to be dialled
 * at. libp2p's relay transport keeps and renews a reservation, and announces its address; but left to
 * itself it looks for relays by endless random walks, dials every peer that it hears of, and never asks
 * again where it was refused. So its own search gets nothing to search in, and this loop tells it
 * where to reserve: at peers that are connected directly, speak the relay protocol and are members.
 *
 *   asked ──(refused, failed)──→ pausing ──→ asked …      held ──(connection closed)──→ asked
 */
import type { CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import type { PeerId, TopologyFilter, Transport } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { explain, repeat, type Clock, type Logger, type Startable } from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import type { MeshNode } from '../node/node.ts'
import { chooseRelays, RELAYS_WANTED } from './choose.ts'
import { override } from '../node/override.ts'

/** `RELAY_V2_HOP_CODEC` of the relay library, which is loaded only when it is used. */
const HOP = '/libp2p/circuit/relay/0.2.0/hop'
/** To make one reservation, ms. */
const RESERVE_TIMEOUT_MS = 5000
/** Between looks, ms; a new relay is looked at at once. */
const LOOK_MS = 15_000
/** After a refusal, ms; doubles, at most 16-fold. */
const PAUSE_MS = 15_000
/** Peers that are remembered as relays; connections are bounded, too. */
const MAX_KNOWN = 256

/** What is used of the transport's own store; its type is not exported. */
interface Reservations {
  addRelay(peerId: PeerId, type: 'discovered'): Promise<unknown>
  hasReservation(peerId: PeerId): boolean
}

export interface RelayClientInit {
  /** Members only. */
  mayRelay: (peerId: string) => boolean
  /** With a public address no relay is needed. */
  isPublic: () => boolean
  /** A way through a relay has opened, for others and, where they are reserved there, to them. */
  onReserved: () => void
}

export interface RelayClient extends Startable {
  /** For the node that is made next. */
  transport(): Promise<(components: CircuitRelayTransportComponents) => Transport>
  /** The node that was made with it. */
  attach(node: MeshNode, signal: AbortSignal): Promise<void>
  /** Peer ids of the relays where this peer is reserved. */
  relays(): string[]
}

const nothing = async function* (): AsyncGenerator<never> {}
/** Holds everybody, so that nobody is new. */
const everybody: TopologyFilter = { has: () => true, add: () => undefined, remove: () => undefined }

export function createRelayClient(
  { mayRelay, isPublic, onReserved }: RelayClientInit,
  components: { counters: Counters; logger: Logger; clock: Clock; random?: () => number },
): RelayClient {
  const { counters, logger, clock, random = Math.random } = components
  const known = new Map<string, { failures: number; notBefore: number }>()
  let node: MeshNode | undefined
  let reservations: Reservations | undefined

  const isDirect = (peerId: string): boolean =>
    node?.getConnections(peerIdFromString(peerId)).some(({ direct }) => direct) === true
  const holds = (peerId: string): boolean =>
    reservations?.hasReservation(peerIdFromString(peerId)) === true

  async function look(): Promise<void> {
    if (reservations === undefined || isPublic()) return
    const candidates = [...known].flatMap(([peerId, state]) =>
      isDirect(peerId) && mayRelay(peerId) ? [{ peerId, held: holds(peerId), ...state }] : [],
    )
    const options = { wanted: RELAYS_WANTED, now: clock.monotonic(), random }
    for (const peerId of chooseRelays(candidates, options)) await reserve(peerId, reservations)
  }

  async function reserve(peerId: string, at: Reservations): Promise<void> {
    try {
      await at.addRelay(peerIdFromString(peerId), 'discovered')
      known.set(peerId, { failures: 0, notBefore: 0 })
      counters.add('relay.reserved')
      logger.info({ relay: peerId }, 'reached through a relay')
      onReserved()
    } catch (error) {
      const failures = (known.get(peerId)?.failures ?? 0) + 1
      const pause = PAUSE_MS * 2 ** Math.min(4, failures - 1)
      known.set(peerId, { failures, notBefore: clock.monotonic() + pause })
      counters.add('relay.refused')
      logger.debug({ relay: peerId, error: explain(error) }, 'no reservation at a relay')
    }
  }

  const loop = repeat(look, {
    everyMs: LOOK_MS,
    onError: (error) => logger.warn({ error: explain(error) }, 'relays could not be looked at'),
    clock,
  })

  return {
    async transport() {
      const { circuitRelayTransport } = await import('@libp2p/circuit-relay-v2')
      const make = circuitRelayTransport({
        discoveryFilter: everybody,
        reservationCompletionTimeout: RESERVE_TIMEOUT_MS,
      })
      return (all) => {
        const transport = make(withoutSearch(all))
        if (!hasReservations(transport)) throw new Error('The relay transport has no reservations.')
        reservations = transport.reservationStore
        return transport
      }
    },
    async attach(to, signal) {
      node = to
      const onConnect = (peer: PeerId) => {
        const peerId = peer.toString()
        if (known.size >= MAX_KNOWN && !known.has(peerId)) return
        known.set(peerId, known.get(peerId) ?? { failures: 0, notBefore: 0 })
        loop.wake()
      }
      await to.register(HOP, {
        onConnect,
        onDisconnect: (peer) => void known.delete(peer.toString()),
      })
      to.addEventListener('connection:close', () => loop.wake(), { signal })
    },
    relays: () => [...known.keys()].filter((peerId) => holds(peerId)),
    start: () => loop.start(),
    async stop() {
      await loop.stop()
      node = undefined
      reservations = undefined
      known.clear()
    },
  }
}

/** What its search for relays would look into: no known peers, no walk, no discovered ones. */
function withoutSearch(all: CircuitRelayTransportComponents): CircuitRelayTransportComponents {
  const { events, peerStore } = all
  return override(all, {
    peerStore: override(peerStore, { all: async () => [] }),
    randomWalk: { walk: nothing },
    events: override(events, {
      addEventListener: (type, listener, options) => {
        if (type !== 'peer:discovery') events.addEventListener(type, listener, options)
      },
    }),
  })
}

function hasReservations(transport: Transport): transport is Transport & {
  reservationStore: Reservations
} {
  return 'reservationStore' in transport
}
