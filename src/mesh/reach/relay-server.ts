/**
 * Serves as a relay, for members only. Whether it does may be decided while the node runs, when a
 * public address becomes known; once begun, it serves until the node stops. Members' connections have
 * no limit of data or time: the mesh's own protocols run over them as over any other.
 */
import type { CircuitRelayServerComponents, CircuitRelayService } from '@libp2p/circuit-relay-v2'
import type { ConnectionGater, Startable } from '@libp2p/interface'

/** Peers that may be reserved here at the same time. */
export const MAX_RESERVATIONS = 128
/** Relayed connections that one peer may open from here, and requests of reservations. */
const MAX_HOP_STREAMS = 128
/** For one request, ms. */
const HOP_TIMEOUT_MS = 10_000

export interface RelayServer {
  /** For the node that is made next. */
  service(): Promise<(components: CircuitRelayServerComponents) => Startable>
  /** Begins to serve; more than once is as once. */
  serve(): Promise<void>
  /** Reservations, or undefined while it does not serve. */
  reservations(): number | undefined
}

type Relay = CircuitRelayService & Startable

export function createRelayServer(): RelayServer {
  let relay: Relay | undefined
  let wanted = false
  let running = false
  return {
    async service() {
      const { circuitRelayServer } = await import('@libp2p/circuit-relay-v2')
      const make = circuitRelayServer({
        hopTimeout: HOP_TIMEOUT_MS,
        maxInboundHopStreams: MAX_HOP_STREAMS,
        maxOutboundHopStreams: MAX_HOP_STREAMS,
        reservations: { maxReservations: MAX_RESERVATIONS, applyDefaultLimit: false },
      })
      wanted = false
      return (components) => {
        const made = make(components)
        if (!isRelay(made)) throw new Error('The relay server cannot be started.')
        relay = made
        return {
          async start() {
            running = true
            if (wanted) await made.start()
          },
          async stop() {
            running = false
            await made.stop()
          },
        }
      }
    },
    async serve() {
      if (wanted) return
      wanted = true
      if (running) await relay?.start()
    },
    reservations: () => (wanted && running ? relay?.reservations.size : undefined),
  }
}

function isRelay(service: CircuitRelayService): service is Relay {
  return 'start' in service && 'stop' in service
}

/** The part of a connection gater that keeps relaying among members; `onDenied`: one was refused. */
export function relayGater(
  mayRelay: (peerId: string) => boolean,
  onDenied: () => void,
): Required<
  Pick<
    ConnectionGater,
    'denyInboundRelayReservation' | 'denyOutboundRelayedConnection' | 'denyInboundRelayedConnection'
  >
> {
  const denies = (...peers: { toString(): string }[]) => {
    const denied = !peers.every((peer) => mayRelay(peer.toString()))
    if (denied) onDenied()
    return denied
  }
  return {
    denyInboundRelayReservation: (source) => denies(source),
    denyOutboundRelayedConnection: (source, destination) => denies(source, destination),
    denyInboundRelayedConnection: (relay, remote) => denies(relay, remote),
  }
}
