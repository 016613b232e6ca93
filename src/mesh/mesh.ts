/**
 * The mesh put together: what starts, in which order, and who tells whom.
 *
 *   mDNS, DHT, bootstrap ──▶ dialer ──▶ libp2p node ──▶ greeter ──▶ peers ──▶ events
 *   announcer, heartbeats ──▶ gossip ◀──▶ inbox ─────────────────────▲
 */
import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import { peerIdFromString } from '@libp2p/peer-id'
import {
  encodeJson,
  explain,
  Lifecycle,
  repeat,
  systemClock,
  withDeadline,
  type Clock,
  type Logger,
  type Startable,
} from '../util/index.ts'
import { announceable, localAddresses } from './addresses.ts'
import { createAnnouncer } from './announcer.ts'
import { Counters } from './counters.ts'
import { createDialer } from './dialer.ts'
import { createDhtDiscovery, type DhtDiscovery } from './discovery/dht.ts'
import { createMdns } from './discovery/mdns.ts'
import { MeshError } from './errors.ts'
import { createGossip, topicNames } from './gossip.ts'
import { greet, hangUp } from './greeter.ts'
import { createHeartbeats } from './heartbeat.ts'
import { loadIdentity, privateKeyOf } from './identity.ts'
import { createInbox } from './inbox.ts'
import { settings, type MeshInit } from './init.ts'
import { createNode, startNode, type MeshNode } from './node.ts'
import { createPeers } from './peers.ts'
import { handle, openStream, serve } from './request.ts'
import type { Mesh, MeshEvents, StreamOptions } from './types.ts'
import { protocols, type ProtocolName } from './wire.ts'

const STOP_TIMEOUT_MS = 8000
const OPEN_TIMEOUT_MS = 10_000
const SWEEP_MS = 1000

export interface MeshComponents {
  logger: Logger
  clock?: Clock
}

/**
 * A mesh that is not started. Reads the identity, or creates it.
 * Errors: `MESH_CONFIG_INVALID`, those of `loadIdentity`; `start()`: `LISTEN_FAILED`.
 */
export function createMesh(init: MeshInit, components: MeshComponents): Mesh {
  const { clock = systemClock } = components
  const config = settings(init)
  const identity = loadIdentity(config.home)
  const { peerId } = identity
  const logger = components.logger.child({ room: 'mesh' })
  const incarnation = randomBytes(16).toString('hex')
  const events = new EventEmitter<MeshEvents>()
  const counters = new Counters()
  const protocolId = (name: ProtocolName) => `/bzzz/${config.meshName}/${protocols[name].id}`
  const local = () => localAddresses(networkInterfaces())

  let node: MeshNode | undefined
  let listening: string[] = []
  let stopping = new AbortController()
  let discovery: Startable[] = []
  let dht: DhtDiscovery | undefined
  const greeting = new Set<string>()
  const rtts = new Map<string, number>()
  const journalHandlers = new Set<(stream: Duplex, peerId: string) => void>()

  const inbox = createInbox({ counters, clock })
  const gossip = createGossip({ meshName: config.meshName }, { inbox, counters, logger })
  const dialer = createDialer(
    { ...config.redial, peerId, ...config.dht, enoughConnections: config.enoughConnections },
    { node: () => node, local, counters, logger, clock },
  )
  const peers = createPeers({ events, live, logger, clock })
  const announcer = createAnnouncer(
    {
      fixed: {
        peerId,
        name: config.name,
        version: config.version,
        incarnation,
        startedAt: clock.now(),
        roles: [...config.roles],
      },
      local: config.capabilities,
      lifetimeMs: config.capabilityLifetimeMs,
      intervalMs: config.announceIntervalMs,
      coalesceMs: config.coalesceMs,
      send: (capabilities) => gossip.publish('capabilities', capabilities),
      onError: (error) => logger.error({ error: explain(error) }, 'announcement failed'),
    },
    { clock },
  )
  const heartbeats = createHeartbeats(
    {
      incarnation,
      intervalMs: config.heartbeatIntervalMs,
      publish: (heartbeat) => gossip.publish('heartbeat', heartbeat),
      onSilent,
      onError: (error) => logger.warn({ error: explain(error) }, 'heartbeat failed'),
    },
    { clock },
  )
  const sweeper = repeat(async () => peers.sweep().forEach((at) => void meet(at)), {
    everyMs: SWEEP_MS,
    onError: (error) => logger.error({ error: explain(error) }, 'sweep failed'),
    clock,
  })

  gossip.subscribe('capabilities', (capabilities, from) => {
    peers.announced(from, capabilities)
  })
  gossip.subscribe('heartbeat', (_heartbeat, from) => {
    heartbeats.heard(from)
    peers.heard(from)
  })

  function live(of: string) {
    const connections = node?.getConnections(peerIdFromString(of)) ?? []
    const addresses = connections.map(({ remoteAddr }) => remoteAddr.toString())
    return {
      addresses: addresses.length > 0 ? addresses : dialer.addresses(of),
      rttMs: connections.find(({ rtt }) => rtt !== undefined)?.rtt ?? rtts.get(of),
    }
  }

  function onSilent(of: string): void {
    counters.add('links.silent')
    logger.warn({ peerId: of }, 'gossip with a connected peer is dead; connecting anew')
    if (node !== undefined) void hangUp(node, of)
  }

  /** Reads a connected peer's capabilities; a member counts as connected from then on. */
  async function meet(of: string): Promise<void> {
    if (node === undefined || greeting.has(of)) return
    greeting.add(of)
    const { signal } = stopping
    const protocol = protocolId('capabilities')
    try {
      const result = await greet(of, { node, protocol, inbox, counters, logger, clock, signal })
      if (result.is === 'refused') dialer.refused(of)
      if (result.is !== 'member') return
      if (result.capabilities !== undefined) peers.announced(of, result.capabilities)
      if (node.getConnections(peerIdFromString(of)).length === 0) return
      dialer.connected(of)
      heartbeats.connected(of)
      peers.connected(of)
      dht?.wake()
      await measure(node, of, signal)
    } finally {
      greeting.delete(of)
    }
  }

  async function measure(running: MeshNode, of: string, signal: AbortSignal): Promise<void> {
    const ping = (inner: AbortSignal) =>
      running.services.ping.ping(peerIdFromString(of), { signal: inner })
    await withDeadline('ping', 5000, ping, { signal, clock }).then(
      (rtt) => rtts.set(of, rtt),
      () => counters.add('pings.failed'),
    )
  }

  async function start(): Promise<void> {
    stopping = new AbortController()
    const created = await createNode({
      privateKey: privateKeyOf(identity),
      version: config.version,
      listen: config.listen,
      allowedTopics: topicNames(config.meshName),
      dhtProtocol: config.dht.enabled ? `/bzzz/${config.meshName}/kad/1` : undefined,
      announceFilter: (addresses) => {
        listening = addresses
        return config.announceFilter(announceable(addresses, local()))
      },
      pingIntervalMs: config.pingIntervalMs,
    })
    node = created
    const { signal } = stopping
    created.addEventListener('peer:connect', ({ detail }) => void meet(detail.toString()), {
      signal,
    })
    created.addEventListener('peer:disconnect', ({ detail }) => onDisconnect(detail.toString()), {
      signal,
    })
    created.addEventListener(
      'peer:identify',
      ({ detail }) => {
        const addresses = detail.listenAddrs.map((address) => address.toString())
        dialer.learn(detail.peerId.toString(), addresses)
      },
      { signal },
    )
    await serve(created, protocolId('capabilities'), {
      maxBytes: protocols.capabilities.maxBytes,
      answer: () => encodeJson(announcer.fresh()),
      counters,
      logger,
      clock,
    })
    await handle(created, protocolId('journal'), onJournal)
    await startNode(created, config.listen)
    gossip.attach(created.services.pubsub)
    await startDiscovery(created)
    await Promise.all([announcer, heartbeats, sweeper, dialer].map((part) => part.start()))
    logger.info({ peerId, addresses: addresses() }, 'mesh started')
  }

  async function startDiscovery(running: MeshNode): Promise<void> {
    const onFound = (found: { peerId: string; addresses: string[] }) =>
      dialer.heardOf(found.peerId, found.addresses)
    const parts = { local, counters, logger, clock }
    discovery = []
    if (config.mdns.enabled) {
      const { meshName, mdns } = config
      const ownAddresses = () => {
        addresses()
        return listening
      }
      discovery.push(
        createMdns({ ...mdns, meshName, peerId, listening: ownAddresses, onFound }, parts),
      )
    }
    if (config.dht.enabled) {
      dht = createDhtDiscovery({ ...config.dht, node: running, onFound }, { logger, clock })
      discovery.push(dht)
    }
    for (const part of discovery) await part.start()
  }

  async function stop(): Promise<void> {
    stopping.abort()
    await Promise.all([...discovery, dialer, announcer, heartbeats, sweeper].map((at) => at.stop()))
    gossip.detach()
    dht = undefined
    const running = node
    if (running !== undefined) {
      await withDeadline('stop libp2p', STOP_TIMEOUT_MS, () => running.stop(), { clock }).catch(
        (error: unknown) => {
          logger.warn({ error: explain(error) }, 'libp2p did not stop in time')
          for (const at of running.getConnections()) at.abort(new Error('The agent stops.'))
        },
      )
    }
    node = undefined
    for (const at of peers.list()) peers.disconnected(at.peerId)
    rtts.clear()
    logger.info({ peerId }, 'mesh stopped')
  }

  function onDisconnect(of: string): void {
    rtts.delete(of)
    heartbeats.disconnected(of)
    peers.disconnected(of)
    dialer.lost(of)
  }

  function onJournal(stream: Duplex, from: string): void {
    counters.add('streams.journal')
    if (journalHandlers.size === 0) stream.destroy()
    for (const handler of journalHandlers) handler(stream, from)
  }

  function addresses(): string[] {
    return node?.getMultiaddrs().map((address) => address.toString()) ?? []
  }

  const lifecycle = new Lifecycle(start, stop)
  const running = (): MeshNode => {
    if (node === undefined || !lifecycle.running) {
      throw new MeshError('MESH_STOPPED', 'The mesh is not running.')
    }
    return node
  }

  return {
    peerId,
    incarnation,
    events,
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    addresses,
    peers: () => peers.list(),
    capabilities: () => announcer.last(),
    announce: (change) => announcer.change(change),
    async publish(topic, message) {
      running()
      await gossip.publish(topic, message)
    },
    subscribe: (topic, handler) => gossip.subscribe(topic, handler),
    handleJournal(handler) {
      journalHandlers.add(handler)
      return () => void journalHandlers.delete(handler)
    },
    async openJournal(to: string, { signal, timeoutMs = OPEN_TIMEOUT_MS }: StreamOptions = {}) {
      const from = running()
      const open = async (inner: AbortSignal) => {
        await dialer.dial(to, inner)
        return openStream(from, to, protocolId('journal'), { signal: inner, timeoutMs, clock })
      }
      return withDeadline(`open a journal stream to ${to}`, timeoutMs, open, { signal, clock })
    },
    sign: (data) => identity.sign(data),
    counters: () => counters.snapshot(),
  }
}
