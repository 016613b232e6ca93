/**
 * Reaching peers that are not on the same network: relays, AutoNAT, hole punching, UPnP, and what is
 * known of the own reach.
 *
 *   const reach = createReach(init, components)
 *   const node = await createNode({ …, reach: await reach.parts() })
 *   await reach.attach(node, signal)            before the node starts
 *   await reach.start(); reach.report(); await reach.stop()
 *
 * libp2p announces a public address of an interface only when AutoNAT has confirmed it, which in a
 * mesh with nobody outside never happens; here, an address that an interface has is announced.
 */
import type { CircuitRelayServerComponents } from '@libp2p/circuit-relay-v2'
import type { Libp2pEvents } from '@libp2p/interface'
import { explain, repeat, type Clock, type Logger, type Startable } from '../../util/index.ts'
import { isPublic, isRelayed, parseAddress, type LocalAddress } from '../node/addresses.ts'
import type { Counters } from '../counters.ts'
import type { Dialer } from '../links/dialer.ts'
import type { Settings } from '../init.ts'
import type { MeshNode, NodeParts } from '../node/node.ts'
import type { AnnouncedAddress, Reach, ReachKind } from '../types.ts'
import { createAutoNat } from './autonat.ts'
import { bootstrapState } from './bootstrap.ts'
import { isOwn, isPublicAddress, RELAYS_WANTED, servesRelay } from './choose.ts'
import { createDirect } from './direct.ts'
import { createRelayClient } from './relay-client.ts'
import { createRelayServer, relayGater } from './relay-server.ts'
import { announcedAddress, isNear, reachOf } from './report.ts'

type AddressManager = CircuitRelayServerComponents['addressManager']

/** Between looks at the own addresses, ms. */
const LOOK_MS = 10_000
/** Life of a confirmed address of an own interface, ms; it is confirmed anew at every look. */
const OWN_MS = 3_600_000
/** Members whose word on the own address is kept. */
const MAX_OBSERVERS = 64
/** What members observed counts for so long, ms: networks change. */
const OBSERVED_MS = 3_600_000

export interface ReachInit extends Pick<
  Settings,
  'announce' | 'relay' | 'autonat' | 'holePunch' | 'upnp' | 'dht'
> {
  /** Whether it may relay and be relayed: members only. */
  mayRelay: (peerId: string) => boolean
  /** Members, connected or not. */
  known: () => readonly { peerId: string }[]
  local: () => LocalAddress[]
}

/** What of the report the discovery knows. */
type Discovered = { multicast(): Reach['multicast']; table(): number | null }

export interface ReachComponents {
  dialer: Pick<Dialer, 'addresses' | 'heardOf'>
  counters: Counters
  logger: Logger
  clock: Clock
}

export interface ReachParts extends Startable {
  /** What the node is made of, beyond TCP. */
  parts(): Promise<NodeParts>
  attach(node: MeshNode, signal: AbortSignal): Promise<void>
  /** Found on the link. */
  heardOf(peerId: string, addresses: readonly string[]): void
  report(discovery: Discovered | undefined): Reach
}

export function createReach(init: ReachInit, components: ReachComponents): ReachParts {
  const { announce, relay, mayRelay, local } = init
  const { dialer, counters, logger, clock } = components
  const autonat = init.autonat ? createAutoNat(() => clock.monotonic()) : undefined
  const server = createRelayServer()
  const client = relay.use
    ? createRelayClient({ mayRelay, isPublic: () => isPublicNow(), onReserved }, components)
    : undefined
  const direct = createDirect({ addresses: (of) => dialer.addresses(of), local }, components)
  const observers = new Map<string, { host: string; by: string; at: number }>()
  let manager: AddressManager | undefined
  let node: MeshNode | undefined
  let dialledAt = Number.NEGATIVE_INFINITY
  let serves = servesRelay(relay.serve, [])

  /** A way through a relay has opened: who is known behind one is worth a dial, now. */
  function onReserved(): void {
    for (const { peerId } of init.known()) {
      const through = dialer.addresses(peerId).filter((text) => isRelayed(text))
      if (through.length > 0) dialer.heardOf(peerId, through)
    }
  }

  const announced = (): string[] => node?.getMultiaddrs().map((at) => at.toString()) ?? []
  const isPublicNow = () =>
    announced().some((text) => isPublicAddress(text)) && reach().is !== 'closed'

  async function parts(): Promise<NodeParts> {
    const services: NodeParts['services'] = {
      reach: ({ addressManager }) => {
        manager = addressManager
        return {}
      },
    }
    if (relay.serve !== false) services.relay = await server.service()
    if (autonat !== undefined) services.autonat = await autonat.service()
    if (init.holePunch) services.dcutr = (await import('@libp2p/dcutr')).dcutr()
    if (init.upnp) {
      const [{ uPnPNAT }, { portMapper }] = await Promise.all([
        import('@libp2p/upnp-nat'),
        import('./upnp.ts'),
      ])
      services.upnp = uPnPNAT({ autoConfirmAddress: true, portMappingClient: portMapper() })
    }
    return {
      transports: client === undefined ? [] : [await client.transport()],
      // Each is a place for one reservation.
      listen:
        client === undefined ? [] : Array.from({ length: RELAYS_WANTED }, () => '/p2p-circuit'),
      announce,
      services,
      gater: relayGater(mayRelay, () => counters.add('relay.denied')),
    }
  }

  async function attach(to: MeshNode, signal: AbortSignal): Promise<void> {
    node = to
    dialledAt = Number.NEGATIVE_INFINITY
    observers.clear()
    serves = servesRelay(relay.serve, [])
    to.addEventListener('peer:identify', ({ detail }) => observed(detail), { signal })
    direct.attach(to, signal)
    await client?.attach(to, signal)
  }

  function observed({ peerId, observedAddr, connection }: Libp2pEvents['peer:identify']['detail']) {
    const by = parseAddress(connection.remoteAddr.toString())
    if (by === undefined || !connection.direct || !mayRelay(peerId.toString())) return
    const isOutside = isPublic(by.host) || !isNear(by.host, local())
    if (connection.direction === 'inbound' && isOutside) dialledAt = clock.monotonic()
    const host =
      observedAddr === undefined ? undefined : parseAddress(observedAddr.toString())?.host
    if (host === undefined || connection.direction === 'inbound') return
    const key = peerId.toString()
    observers.delete(key)
    observers.set(key, { host, by: by.host, at: clock.monotonic() })
    for (const oldest of observers.keys()) {
      if (observers.size <= MAX_OBSERVERS) break
      observers.delete(oldest)
    }
  }

  /** Addresses come and go: own ones are announced, and a public one makes this peer a relay. */
  async function look(): Promise<void> {
    const oldest = clock.monotonic() - OBSERVED_MS
    for (const [key, { at }] of observers) if (at < oldest) observers.delete(key)
    for (const { multiaddr, type } of manager?.getAddressesWithMetadata() ?? []) {
      if (type !== 'transport' || !isOwn(multiaddr.toString(), local())) continue
      manager?.confirmObservedAddr(multiaddr, { type, ttl: OWN_MS })
    }
    const members = node
      ?.getConnections()
      .filter(({ direct: isDirect, remotePeer }) => isDirect && mayRelay(remotePeer.toString()))
    await autonat?.ask(members ?? [])
    if (server.reservations() !== undefined) return
    serves = servesRelay(relay.serve, announced())
    if (!serves.serves) return
    await server.serve()
    logger.info({ because: serves.because }, 'serves as a relay for members')
  }

  const onError = (error: unknown) =>
    logger.warn({ error: explain(error) }, 'own addresses were not looked at')
  const loop = repeat(look, { everyMs: LOOK_MS, onError, clock })

  const checks = () => autonat?.checks() ?? new Map<never, never>()

  function reach(): { is: ReachKind; because: string } {
    return reachOf({
      announced: announced(),
      checks: checks(),
      local: local(),
      observed: [...observers.values()],
      dialledFromOutside: clock.monotonic() - dialledAt < OBSERVED_MS,
      relays: client?.relays() ?? [],
    })
  }

  function report(discovery: Discovered | undefined): Reach {
    const peers = new Map<string, boolean>()
    for (const at of node?.getConnections() ?? []) {
      const peerId = at.remotePeer.toString()
      peers.set(peerId, peers.get(peerId) === true || at.direct)
    }
    const direct = [...peers.values()].filter(Boolean).length
    const counts = counters.snapshot()
    const mapped = manager?.getAddressesWithMetadata().filter(({ type }) => type === 'ip-mapping')
    const addresses: AnnouncedAddress[] = announced().map((text) =>
      announcedAddress(text, checks()),
    )
    return {
      ...reach(),
      announced: addresses,
      observed: [...new Set([...observers.values()].map(({ host }) => host))],
      peers: { direct, relayed: peers.size - direct },
      relay: {
        uses: client?.relays() ?? [],
        serves: server.reservations() ?? null,
        because: serves.because,
      },
      holePunch: {
        enabled: init.holePunch,
        relayed: counts['links.relayed'] ?? 0,
        upgraded: counts['links.upgraded'] ?? 0,
      },
      autonat: { enabled: init.autonat },
      upnp: {
        enabled: init.upnp,
        addresses: mapped?.map(({ multiaddr }) => multiaddr.toString()) ?? [],
      },
      multicast: discovery?.multicast() ?? [],
      dht: { peers: discovery?.table() ?? null },
      bootstrap: bootstrapState(init.dht.bootstrap, node),
    }
  }

  return {
    parts,
    attach,
    heardOf: (peerId, addresses) => direct.heardOf(peerId, addresses),
    async start() {
      // Fails, for instance, when a peer connected that libp2p has not identified yet.
      await look().catch(onError)
      await Promise.all([loop.start(), direct.start(), client?.start()])
    },
    async stop() {
      await Promise.all([loop.stop(), direct.stop(), client?.stop()])
      node = undefined
      manager = undefined
    },
    report,
  }
}
