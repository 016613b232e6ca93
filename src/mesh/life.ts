/**
 * Who is there and what they can do, for one run of the node: feeds presence from links, gossip and
 * other members' words, serves probes, keeps the picture whole.
 *
 *   links ── greeted, lost ──┐                        ┌── probe/1 ◀──▶ members
 *   gossip ── authors ───────┼──▶ watch ──▶ peers ◀───┤
 *   heartbeats ── goodbye ───┘                        └── picture/1 ◀──▶ members
 */
import { RecentMap, type Clock, type Logger, type Startable } from '../util/index.ts'
import type { Announcer } from './gossip/announcer.ts'
import type { Counters } from './counters.ts'
import type { Dialer } from './links/dialer.ts'
import { createPruner } from './links/pruner.ts'
import { createWords } from './links/words.ts'
import type { Heartbeats } from './gossip/heartbeat.ts'
import type { Inbox } from './gossip/inbox.ts'
import type { MeshNode } from './node/node.ts'
import type { Peers } from './peers.ts'
import { createPicture } from './gossip/picture.ts'
import { createProber, type Timing, type Watch } from './presence/index.ts'
import { request, REQUEST_TIMEOUT_MS, serve } from './streams/request.ts'
import { protocols, type Heartbeat, type ProtocolName } from './wire.ts'

/** Least time between reads of one peer whose heartbeat names a newer announcement, ms. */
const REREAD_MS = 2000
const MAX_REREAD = 1000

export interface LifeInit {
  peerId: string
  protocolId: (name: ProtocolName) => string
  timing: Timing
  pictureIntervalMs: number
  enoughConnections: number
  spreadMs: number
  signal: AbortSignal
}

export interface LifeComponents {
  node: MeshNode
  peers: Peers
  watch: Watch
  heartbeats: Pick<Heartbeats, 'silentFor'>
  announcer: Pick<Announcer, 'signed' | 'again'>
  dialer: Pick<Dialer, 'dial' | 'members' | 'isPinned' | 'isSought'>
  inbox: Pick<Inbox, 'handedOn'>
  /** Reads the announcement of a connected member anew. */
  reread: (peerId: string) => void
  counters: Counters
  logger: Logger
  clock: Clock
  random?: () => number
}

export interface Life extends Startable {
  /** Registers the protocols; before the node starts. */
  serve(): Promise<void>
  /** A member connected. */
  met(peerId: string): void
  heartbeat(beat: Heartbeat, from: string): void
  probe: ReturnType<typeof createProber>['probe']
}

export function createLife(init: LifeInit, components: LifeComponents): Life {
  const { peerId: own, protocolId, timing, signal } = init
  const { pictureIntervalMs, enoughConnections, spreadMs } = init
  const { node, peers, watch, heartbeats, announcer, dialer, inbox } = components
  const { reread, counters, logger, clock, random = Math.random } = components
  const rereadAt = new RecentMap<string, number>(MAX_REREAD)

  const neighbours = () => peers.neighbours()
  const words = createWords({ clock })

  const prober = createProber(
    { protocol: protocolId('probe'), peerId: own, helpers: timing.helpers, signal },
    {
      node,
      dial: (peerId, inner) => dialer.dial(peerId, inner),
      helpers: neighbours,
      near: (peerId) => words.about(peerId, neighbours()),
      isSought: (peerId) => dialer.isSought(peerId),
      isKnown: (peerId) => peers.isKnown(peerId),
      counters,
      clock,
      random,
    },
  )

  const pruner = createPruner(
    { peerId: own, enough: enoughConnections, everyMs: pictureIntervalMs },
    { node, dialer, connected: neighbours, words, counters, logger, clock },
  )

  const picture = createPicture(
    { peerId: own, everyMs: pictureIntervalMs, spreadMs },
    {
      request(peerId, body) {
        const { maxBytes } = protocols.picture
        const options = { maxBytes, signal, timeoutMs: REQUEST_TIMEOUT_MS, clock }
        return request(node, peerId, protocolId('picture'), body, options)
      },
      own: () => announcer.signed(),
      others: () => peers.announcements(),
      isKnown: (peerId) => peers.isKnown(peerId),
      neighbours,
      silentFor: (peerId) => heartbeats.silentFor(peerId),
      inbox,
      onSigned(signed) {
        const { peerId } = signed.capabilities
        peers.announced(signed)
        if (watch.of(peerId) === undefined) watch.sign(peerId, 'word')
      },
      onWord(peerId, agoMs, by) {
        words.said(peerId, by)
        if (!peers.isKnown(peerId) || agoMs > timing.silentMs) return
        watch.sign(peerId, 'word', agoMs)
        peers.heard(peerId, agoMs)
      },
      counters,
      logger,
      clock,
      random,
    },
  )

  /** Who asks is alive. */
  function hear(from: string): void {
    if (!peers.isKnown(from)) return
    peers.heard(from)
    watch.sign(from, 'link')
  }

  return {
    async serve() {
      const shared = { counters, logger, clock }
      await serve(node, protocolId('picture'), {
        maxBytes: protocols.picture.maxRequestBytes,
        answer(body, from) {
          hear(from)
          return picture.answer(body, from)
        },
        ...shared,
      })
      await serve(node, protocolId('probe'), {
        maxBytes: protocols.probe.maxRequestBytes,
        answer(body, from) {
          hear(from)
          return prober.answer(body, from)
        },
        ...shared,
      })
    },
    async start() {
      await Promise.all([picture.start(), pruner.start()])
    },
    async stop() {
      await Promise.all([picture.stop(), pruner.stop()])
    },
    met(peerId) {
      // What was announced before there was anybody to hear it.
      if (neighbours().every((other) => other === peerId)) announcer.again()
      void picture.sync(peerId)
    },
    heartbeat({ startedAt, announced, leaving }, from) {
      if (leaving === true) return watch.goodbye(from)
      const last = peers.get(from)
      if (last?.connected !== true) return
      const { capabilities } = last
      const isNewest = capabilities?.startedAt === startedAt && capabilities.sequence >= announced
      const now = clock.monotonic()
      if (isNewest || now - (rereadAt.get(from) ?? -Infinity) < REREAD_MS) return
      rereadAt.set(from, now)
      counters.add('announcements.missed')
      reread(from)
    },
    probe: (peerId, patience) => prober.probe(peerId, patience),
  }
}
