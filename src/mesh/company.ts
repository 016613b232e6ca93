/**
 * Oneself and the others, put together: announcements and heartbeats out; peers, their presence and
 * the picture of all in. Lives as long as the mesh object; what needs the node is made anew for each
 * run (`life.ts`).
 */
import type { EventEmitter } from 'node:events'
import {
  encodeJson,
  explain,
  repeat,
  withDeadline,
  type Clock,
  type Logger,
  type Startable,
} from '../util/index.ts'
import { signCapabilities } from './gossip/announcement.ts'
import { createAnnouncer, type Announcer } from './gossip/announcer.ts'
import type { Counters } from './counters.ts'
import type { Clocks } from './gossip/clocks.ts'
import type { Dialer } from './links/dialer.ts'
import type { Gossip } from './gossip/gossip.ts'
import { createHeartbeats, type Heartbeats } from './gossip/heartbeat.ts'
import type { Identity } from './identity.ts'
import type { Inbox } from './gossip/inbox.ts'
import type { Settings } from './init.ts'
import { createLife, type Life } from './life.ts'
import type { Links } from './links/links.ts'
import type { MeshNode } from './node/node.ts'
import { createPeers, type Peers } from './peers.ts'
import { createWatch } from './presence/index.ts'
import { serve } from './streams/request.ts'
import type { MeshEvents } from './types.ts'
import { protocols, type ProtocolName } from './wire.ts'

const SWEEP_MS = 1000
/** The last word before a stop, ms. */
const GOODBYE_MS = 500

export interface CompanyInit {
  config: Settings
  meshName: string
  identity: Identity
  incarnation: string
  protocolId: (name: ProtocolName) => string
}

export interface CompanyComponents {
  events: EventEmitter<MeshEvents>
  isMember: (peerId: string) => boolean
  /** Roles that the mesh grants a peer. */
  granted: (peerId: string) => readonly string[]
  inbox: Inbox
  gossip: Pick<Gossip, 'publish' | 'subscribe'>
  dialer: Dialer
  links: () => Links | undefined
  clocks: Pick<Clocks, 'heard'>
  counters: Counters
  logger: Logger
  clock: Clock
}

export interface Company extends Startable {
  peers: Peers
  announcer: Announcer
  heartbeats: Heartbeats
  /** A message of this author was accepted, or it opened a stream. */
  onAuthor(peerId: string): void
  /** Serves the protocols of a node that is not started yet. */
  attach(node: MeshNode, signal: AbortSignal): Promise<void>
  /** For the links: a peer answered; a member connected; its last connection went. */
  onGreeted(peerId: string): void
  onMember(peerId: string): void
  onLost(peerId: string): void
  /** So that the others need not find out. Never rejects. */
  sayGoodbye(): Promise<void>
}

export function createCompany(init: CompanyInit, components: CompanyComponents): Company {
  const { config, meshName, identity, incarnation, protocolId } = init
  const { events, isMember, granted, inbox, gossip, dialer, links, clocks } = components
  const { counters, logger, clock } = components
  const { peerId } = identity
  const basics = { counters, logger, clock }
  let life: Life | undefined

  const watch = createWatch(config.presence, {
    probe: async (of, patience) =>
      (await life?.probe(of, patience)) ?? { reached: undefined, denied: [], mute: [], asked: 0 },
    onChange: (of, _presence, before) => peers.changed(of, before),
    ...basics,
  })
  const peers = createPeers(config, {
    events,
    live(of) {
      const now = links()?.live(of)
      const addresses = now?.addresses ?? []
      return {
        addresses: addresses.length > 0 ? addresses : dialer.addresses(of),
        rttMs: now?.rttMs,
      }
    },
    presence: (of) => watch.of(of),
    granted,
    onLost: (of) => watch.forget(of),
    logger,
    clock,
  })
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
      driftMs: config.announceIntervalMs,
      coalesceMs: config.coalesceMs,
      sign: (capabilities) => signCapabilities(capabilities, { identity, meshName }),
      send: ({ announcement }) => gossip.publish('capabilities', announcement),
      onError: (error) => logger.error({ error: explain(error) }, 'announcement failed'),
    },
    { clock },
  )
  const heartbeats = createHeartbeats(
    {
      incarnation,
      intervalMs: config.heartbeatIntervalMs,
      newest: () => announcer.last(),
      publish: (heartbeat) => gossip.publish('heartbeat', heartbeat),
      onSilent: (of) => links()?.silent(of),
      onError: (error) => logger.warn({ error: explain(error) }, 'heartbeat failed'),
    },
    { clock },
  )
  async function sweep(): Promise<void> {
    // What was on its way when the roster changed.
    for (const { peerId: of } of peers.list()) if (!isMember(of)) peers.removed(of)
    peers.sweep()
    links()?.sweep()
  }
  const sweeper = repeat(sweep, {
    everyMs: SWEEP_MS,
    onError: (error) => logger.error({ error: explain(error) }, 'sweep failed'),
    clock,
  })

  function onAuthor(from: string): void {
    if (!peers.isKnown(from)) return
    peers.heard(from)
    watch.sign(from, 'gossip')
  }

  gossip.subscribe('capabilities', (signed, from) => {
    peers.announced(signed)
    onAuthor(from)
  })
  gossip.subscribe('heartbeat', (beat, from) => {
    heartbeats.heard(from, beat.everyMs)
    // A goodbye is passed on, so it may be late.
    if (beat.leaving !== true) clocks.heard(from, beat.at)
    life?.heartbeat(beat, from)
  })

  const parts = (): Startable[] => [
    announcer,
    heartbeats,
    watch,
    sweeper,
    ...(life === undefined ? [] : [life]),
  ]

  return {
    peers,
    announcer,
    heartbeats,
    onAuthor,
    async attach(node, signal) {
      life = createLife(
        {
          peerId,
          protocolId,
          timing: config.presence,
          pictureIntervalMs: config.pictureIntervalMs,
          enoughConnections: config.enoughConnections,
          spreadMs: config.coalesceMs,
          signal,
        },
        {
          node,
          peers,
          watch,
          heartbeats,
          announcer,
          dialer,
          inbox,
          reread: (of) => links()?.reread(of),
          ...basics,
        },
      )
      await life.serve()
      await serve(node, protocolId('capabilities'), {
        maxBytes: protocols.capabilities.maxRequestBytes,
        answer: async () => encodeJson((await announcer.fresh()).announcement),
        ...basics,
      })
    },
    async start() {
      await Promise.all(parts().map((part) => part.start()))
    },
    async stop() {
      await Promise.all(parts().map((part) => part.stop()))
      life = undefined
    },
    onGreeted: (of) => watch.sign(of, 'link'),
    onMember: (of) => life?.met(of),
    onLost: (of) => watch.doubt(of),
    async sayGoodbye() {
      await withDeadline('goodbye', GOODBYE_MS, () => heartbeats.goodbye(), { clock }).catch(
        (error: unknown) => logger.debug({ error: explain(error) }, 'no goodbye'),
      )
    },
  }
}
