/**
 * The mesh put together: what starts, in which order, and who tells whom.
 *
 *   mDNS, DHT, bootstrap ──▶ dialer ──▶ libp2p node ──▶ greeter ──▶ peers ──▶ events
 *   announcer, heartbeats ──▶ gossip ◀──▶ inbox ─────────────────────▲
 *   (company)                              presence, picture ────────┘
 *   membership ──▶ members: guard of the node, admission, roster ────┘
 */
import { randomBytes } from 'node:crypto'
import { EventEmitter, setMaxListeners } from 'node:events'
import {
  Lifecycle,
  systemClock,
  withDeadline,
  type Clock,
  type Logger,
  type Startable,
} from '../util/index.ts'
import { announceable } from './node/addresses.ts'
import { createCompany } from './company.ts'
import { createClocks } from './gossip/clocks.ts'
import { Counters } from './counters.ts'
import { createDialer } from './links/dialer.ts'
import { createDiscovery, type Discovery } from './discovery/index.ts'
import { MeshError } from './errors.ts'
import { createGossip, topicNames, type Handler } from './gossip/gossip.ts'
import { loadIdentity, privateKeyOf } from './identity.ts'
import { createInbox } from './gossip/inbox.ts'
import { settings, type MeshInit } from './init.ts'
import { createHelpStreams } from './streams/help-streams.ts'
import { createJournalStreams } from './streams/journal-streams.ts'
import { createLinks, type Links } from './links/links.ts'
import { createMembers } from './admission/members.ts'
import type { Membership } from './membership/types.ts'
import { addressesNow } from './node/network.ts'
import { createNode, incarnationOf, startNode, stopNode, type MeshNode } from './node/node.ts'
import { pingPeer } from './node/ping.ts'
import { createPorts } from './node/ports.ts'
import { createReach } from './reach/index.ts'
import { createTwins, type Voice } from './gossip/twins.ts'
import type { Mesh, MeshEvents, StreamOptions } from './types.ts'
import { protocols, type OpenTopic, type ProtocolName, type TopicMessage } from './wire.ts'
import { createWitnesses } from './streams/witness.ts'

type Receiver<T extends OpenTopic> = (message: TopicMessage<T>, from: string) => void

const OPEN_TIMEOUT_MS = 10_000

export interface MeshComponents {
  /** Who belongs to the mesh, and its name, which is part of protocol ids, topics and the mDNS tag. */
  membership: Membership
  logger: Logger
  clock?: Clock
}

/**
 * A mesh that is not started. Reads the identity, or creates it.
 * Errors: `MESH_CONFIG_INVALID`, those of `loadIdentity`; `start()`: `LISTEN_FAILED`.
 */
export function createMesh(init: MeshInit, components: MeshComponents): Mesh {
  const { membership, clock = systemClock } = components
  const config = { ...settings(init), meshName: membership.meshName }
  const identity = loadIdentity(config.home)
  const { peerId } = identity
  if (peerId !== membership.peerId) {
    throw new TypeError('The membership is of another home than the identity.')
  }
  const logger = components.logger.child({ room: 'mesh' })
  const incarnation = randomBytes(16).toString('hex')
  const events = new EventEmitter<MeshEvents>()
  const counters = new Counters()
  const protocolId = (name: ProtocolName) => `/bzzz/${config.meshName}/${protocols[name].id}`
  const local = addressesNow
  const isMember = (of: string) => membership.standing(of) === 'member'
  const granted = (of: string) => membership.roles(of)

  let node: MeshNode | undefined
  let links: Links | undefined
  let discovery: Discovery | undefined
  let listening: string[] = []
  let stopping = new AbortController()

  const { meshName } = config
  const basics = { counters, logger, clock }
  const witnesses = createWitnesses({ protocol: protocolId('witness') }, basics)
  const twins = createTwins()
  const clocks = createClocks({ clock, logger })
  membership.hintClock(() => clocks.judge())
  const inbox = createInbox({
    meshName,
    isMember,
    counters,
    onHeartbeat: heardVoice,
  })
  const gossip = createGossip(
    { meshName, isMember },
    { inbox, onAuthor: (of) => company.onAuthor(of), counters, logger },
  )
  const dialer = createDialer(
    {
      ...config.redial,
      peerId,
      isMember,
      ...config.dht,
      enoughConnections: config.enoughConnections,
    },
    {
      node: () => node,
      local,
      lookUp: (of) => void discovery?.find(of),
      counters,
      logger,
      clock,
    },
  )
  const journals = createJournalStreams({ protocol: protocolId('journal') }, { dialer, ...basics })
  const help = createHelpStreams({ protocol: protocolId('help') }, { dialer, ...basics })
  const reach = createReach(
    { ...config, mayRelay: isMember, local, known: () => membership.members() },
    { dialer, counters, logger, clock },
  )
  const company = createCompany(
    { config, meshName, identity, incarnation, protocolId },
    {
      events,
      isMember,
      granted,
      inbox,
      gossip,
      dialer,
      links: () => links,
      clocks,
      counters,
      logger,
      clock,
    },
  )
  const { peers, announcer, heartbeats } = company
  const ports = createPorts(config.home, { logger })
  const members = createMembers(
    {
      home: config.home,
      protocol: protocolId('roster'),
      node: () => node,
      addresses,
      onChange: () => links?.recheck(),
      onOut: (standing) => events.emit('mesh:out', standing),
    },
    { membership, dialer, gossip, peers, counters, logger, clock },
  )

  async function startOn(listen: readonly string[]): Promise<void> {
    stopping = new AbortController()
    setMaxListeners(0, stopping.signal)
    const { signal } = stopping
    const created = await createNode({
      privateKey: privateKeyOf(identity),
      version: config.version,
      incarnation,
      listen,
      allowedTopics: topicNames(config.meshName),
      dhtProtocol: config.dht.enabled ? `/bzzz/${config.meshName}/kad/1` : undefined,
      announceFilter: (all) => {
        listening = all
        return config.announceFilter(announceable(all, local()))
      },
      pingIntervalMs: config.pingIntervalMs,
      parts: await reach.parts(),
      guard: members.guard,
    })
    node = created
    await reach.attach(created, stopping.signal)
    const found = createDiscovery(
      {
        ...config,
        peerId,
        meshId: membership.meshId,
        node: created,
        listening: () => {
          addresses()
          return listening
        },
        onFound: (peer, by) => {
          dialer.heardOf(peer.peerId, peer.addresses)
          if (by === 'link') reach.heardOf(peer.peerId, peer.addresses)
        },
      },
      { local, counters, logger, clock },
    )
    discovery = found
    links = createLinks(
      {
        protocol: protocolId('capabilities'),
        signal,
        isMember,
        introduce: (of) => members.introduce(of, signal),
        onGreeted: (of) => company.onGreeted(of),
        onMember(of) {
          found.wake()
          company.onMember(of)
          members.met(of)
          members.reached(of)
        },
        onLost: (of) => company.onLost(of),
        onAddresses: (of) => members.reached(of),
      },
      { node: created, peers, dialer, heartbeats, gossip, inbox, counters, logger, clock },
    )
    await company.attach(created, stopping.signal)
    created.addEventListener('peer:identify', ({ detail }) => {
      const said = incarnationOf(detail.agentVersion)
      if (said !== undefined) heardVoice(detail.peerId.toString(), { incarnation: said })
    })
    await journals.serve(created)
    await witnesses.serve(created)
    await help.serve(created)
    await members.serve(created)
    await startNode(created, listen)
    // Has libp2p show all that it listens on.
    addresses()
    await ports.remember(config.listen, listening)
    gossip.attach(created.services.pubsub)
    // First, for the addresses that it remembers.
    await members.start()
    await Promise.all([found, company, dialer, reach].map((part) => part.start()))
    logger.info({ peerId, addresses: addresses() }, 'mesh started')
  }

  async function stop(): Promise<void> {
    if (node?.status === 'started') await company.sayGoodbye()
    stopping.abort()
    const parts: (Startable | undefined)[] = [members, dialer, company, reach, discovery]
    await Promise.all(parts.map(async (part) => part?.stop()))
    gossip.detach()
    if (node !== undefined) await stopNode(node, { logger, clock })
    node = undefined
    links = undefined
    discovery = undefined
    for (const at of peers.list()) peers.disconnected(at.peerId)
    logger.info({ peerId }, 'mesh stopped')
  }

  function heardVoice(from: string, voice: Voice): void {
    if (!twins.heard(from, voice, clock.monotonic())) return
    counters.add('peers.twins')
    logger.warn({ peerId: from }, 'two processes run under one identity: was a home copied?')
  }

  function addresses(): string[] {
    return node?.getMultiaddrs().map((address) => address.toString()) ?? []
  }

  const lifecycle = new Lifecycle(() => ports.listen(config.listen, startOn, stop), stop)
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
    twins: () => twins.list(clock.monotonic()),
    capabilities: () => announcer.last(),
    announce: (change) => announcer.change(change),
    async publish(topic, message) {
      running()
      await gossip.publish(topic, message)
    },
    subscribe: <T extends OpenTopic>(topic: T, handler: Receiver<T>) =>
      gossip.subscribe(topic, handler as Handler<T>),
    handleJournal: (handler) => journals.handle(handler),
    openJournal: async (to, options) => journals.open(running(), to, options),
    async ping(to: string, { signal, timeoutMs = OPEN_TIMEOUT_MS }: StreamOptions = {}) {
      const from = running()
      const dial = (inner: AbortSignal) => dialer.dial(to, inner)
      const ping = (inner: AbortSignal) =>
        pingPeer(from, to, { dial, signal: inner, timeoutMs, clock })
      return withDeadline(`ping ${to}`, timeoutMs, ping, { signal, clock })
    },
    handleWitness: (handler) => witnesses.handle(handler),
    askWitness: async (to, question, options) => witnesses.ask(running(), to, question, options),
    handleHelp: (handler) => help.handle(handler),
    sendHelp: async (to, message, options) => help.send(running(), to, message, options),
    reach: () => reach.report(discovery),
    sign: (data) => identity.sign(data),
    counters: () => counters.snapshot(),
  }
}
