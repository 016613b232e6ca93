/**
 * Members only, at the node itself: who may connect, and who may use which protocol.
 *
 *   connection ──▶ gater ──▶ member: passes
 *                    │ ├──▶ stranger, expired: through the reception, for HOLD_MS at most
 *                    │ └──▶ removed: the same, now and then, to be told so
 *   stream (in, out), topology, peer store ──▶ member: passes; else: the open protocols only
 *
 * libp2p has middleware for streams (`node.use`), but in 3.3 an incoming stream appends the
 * protocol's handler to the list that was registered, so that every further stream is handled once
 * more; and it comes after the stranger was written into the peer store. So the guard is the first
 * service of the node, and wraps what all services register with: a service that is added later is
 * closed to strangers without knowing it. Membership is asked for at every stream: who is admitted
 * while connected may go on at once, who is removed may not.
 */
import {
  UnsupportedProtocolError,
  type Connection,
  type ConnectionGater,
  type MultiaddrConnection,
  type Peer,
  type PeerId,
  type PeerStore,
  type StreamHandler,
  type StreamHandlerOptions,
  type Topology,
} from '@libp2p/interface'
import { systemClock, type Clock } from '../../util/index.ts'
import { isRelayed, parseAddress } from '../node/addresses.ts'
import type { Counters } from '../counters.ts'
import type { Standing } from '../membership/types.ts'
import { Reception } from './reception.ts'

/** How long a stranger may stay, ms, with what it takes to set up its connection. */
export const HOLD_MS = 15_000

export interface GuardInit {
  standing: (peerId: string) => Standing
  /** Full ids of the protocols that strangers may use. */
  open: ReadonlySet<string>
  /** Whether a peer that is no member is dialled on purpose. */
  isExpected: (peerId: string) => boolean
}

/** What the guard needs of a node's components; the same objects that the services get. */
export interface GuardedComponents {
  peerId: PeerId
  peerStore: PeerStore
  registrar: {
    handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>
    register(protocol: string, topology: Topology): Promise<string>
  }
  events: {
    addEventListener(
      type: 'connection:open',
      listener: (event: CustomEvent<Connection>) => void,
    ): void
  }
}

export interface Guard {
  gater: ConnectionGater
  /** Must be the first of the node's services. */
  service: (components: GuardedComponents) => object
  /** Strangers connected now. */
  strangers(): number
}

export function createGuard(
  { standing, open, isExpected }: GuardInit,
  { counters, clock = systemClock }: { counters: Counters; clock?: Clock },
): Guard {
  const reception = new Reception()
  const isMember = (id: PeerId) => standing(id.toString()) === 'member'

  /** Closes in time unless it became a member. */
  function hold(id: PeerId, connection: MultiaddrConnection, leave: () => void): void {
    const cancel = clock.after(HOLD_MS, () => {
      leave()
      if (isMember(id)) return
      counters.add('guard.timeouts')
      connection.abort(new Error('Only members may stay connected.'))
    })
    connection.addEventListener('close', () => {
      cancel()
      leave()
    })
  }

  function denyInbound(id: PeerId, connection: MultiaddrConnection): boolean {
    const peerId = id.toString()
    const at = standing(peerId)
    if (at === 'member') return false
    const text = connection.remoteAddr.toString()
    // None through a relay: those serve members only.
    const address = isRelayed(text) ? undefined : parseAddress(text)?.host
    const admission =
      address === undefined
        ? { ok: false as const, reason: 'relayed' as const }
        : reception.admit({ peerId, address, removed: at === 'removed' }, clock.monotonic())
    if (!admission.ok) {
      counters.add(`guard.denied.${admission.reason}`)
      return true
    }
    counters.add(`guard.admitted.${at}`)
    hold(id, connection, admission.leave)
    return false
  }

  function denyOutbound(id: PeerId, connection: MultiaddrConnection): boolean {
    const at = standing(id.toString())
    if (at === 'member') return false
    if (at === 'removed') {
      counters.add('guard.denied.outbound')
      return true
    }
    hold(id, connection, () => undefined)
    return false
  }

  const gater: ConnectionGater = {
    denyDialPeer: (id) => !isMember(id) && !isExpected(id.toString()),
    denyInboundEncryptedConnection: denyInbound,
    denyOutboundEncryptedConnection: denyOutbound,
  }

  function guardStreams({ registrar, events }: GuardedComponents): void {
    const handle = registrar.handle.bind(registrar)
    registrar.handle = (protocol, handler, options) => {
      const guarded: StreamHandler = (stream, connection) => {
        if (isMember(connection.remotePeer)) return handler(stream, connection)
        counters.add('guard.streams.in')
        stream.abort(new Error('This protocol is for members only.'))
        return undefined
      }
      return handle(protocol, open.has(protocol) ? handler : guarded, options)
    }
    const register = registrar.register.bind(registrar)
    registrar.register = (protocol, topology) => register(protocol, guardTopology(topology))
    // Services listen after this, so none gets to see a connection that is not guarded yet.
    events.addEventListener('connection:open', ({ detail }) => guardOutbound(detail))
  }

  function guardOutbound(connection: Connection): void {
    const newStream = connection.newStream.bind(connection)
    connection.newStream = async (protocols, options) => {
      const asked = typeof protocols === 'string' ? [protocols] : protocols
      if (isMember(connection.remotePeer) || asked.every((protocol) => open.has(protocol))) {
        return newStream(protocols, options)
      }
      counters.add('guard.streams.out')
      // What a peer would say that does not speak it: libp2p's own pings then count as answered.
      throw new UnsupportedProtocolError('Strangers are not asked for this protocol.')
    }
  }

  /** The filter stays the same object: libp2p keeps who was connected in it. */
  function guardTopology(topology: Topology): Topology {
    const onConnect = topology.onConnect?.bind(topology)
    if (onConnect === undefined) return topology
    return Object.assign(topology, {
      onConnect: (id: PeerId, connection: Connection) => {
        if (isMember(id)) return onConnect(id, connection)
        topology.filter?.remove(id)
        return undefined
      },
    })
  }

  function guardPeerStore({ peerId, peerStore }: GuardedComponents): void {
    for (const method of ['save', 'patch', 'merge'] as const) {
      const write = peerStore[method].bind(peerStore)
      peerStore[method] = async (id, data, options) =>
        id.equals(peerId) || isMember(id) ? write(id, data, options) : nothingOf(id)
    }
    const consume = peerStore.consumePeerRecord.bind(peerStore)
    peerStore.consumePeerRecord = async (record, options) =>
      options?.expectedPeer !== undefined && isMember(options.expectedPeer)
        ? consume(record, options)
        : false
  }

  return {
    gater,
    service: (components) => {
      guardStreams(components)
      guardPeerStore(components)
      return {}
    },
    strangers: () => reception.count,
  }
}

function nothingOf(id: PeerId): Peer {
  return { id, addresses: [], protocols: [], metadata: new Map(), tags: new Map() }
}
