/**
 * Members only, put together: what of the mesh hangs on the roster, between the node and the parts
 * that need not know of it.
 *
 *   guard ── who may connect and speak        admission ── joining, introductions, renewals
 *   roster ── statements spread               remembered ── where members were reached
 */
import type { Clock, Logger, Startable } from '../../util/index.ts'
import { createAdmission } from './admission.ts'
import type { Counters } from '../counters.ts'
import type { Dialer } from '../links/dialer.ts'
import { MeshError } from '../errors.ts'
import type { Gossip } from '../gossip/gossip.ts'
import { createGuard, type Guard } from './guard.ts'
import type { Membership, Standing } from '../membership/types.ts'
import type { MeshNode } from '../node/node.ts'
import type { Peers } from '../peers.ts'
import { createRemembered } from '../links/remembered.ts'
import { request, serve } from '../streams/request.ts'
import { createRoster } from './roster.ts'
import { join, protocols } from '../wire.ts'

/** For a whole roster over a slow line, ms. */
const ROSTER_TIMEOUT_MS = 15_000
/** Roster streams of one connection at once. */
const MAX_ROSTER_STREAMS = 4

export interface MembersInit {
  home: string
  /** Full id of the roster protocol. */
  protocol: string
  node: () => MeshNode | undefined
  /** Own multiaddrs with peer id. */
  addresses: () => string[]
  /** Who is connected may have become a member, or be none any more. */
  onChange: () => void
  onOut: (standing: Standing) => void
}

export interface MembersComponents {
  membership: Membership
  dialer: Dialer
  gossip: Gossip
  peers: Peers
  counters: Counters
  logger: Logger
  clock: Clock
}

export interface Members extends Startable {
  guard: Guard
  /** Serves join and roster; before the node starts. */
  serve(node: MeshNode): Promise<void>
  /** A member is connected, or its addresses changed. */
  reached(peerId: string): void
  /** Reads the roster of a member that is connected. */
  met(peerId: string): void
  /** Resolves with whether the peer takes this machine for a member now. Never rejects. */
  introduce(peerId: string, signal: AbortSignal): Promise<boolean>
}

export function createMembers(init: MembersInit, components: MembersComponents): Members {
  const { membership, dialer, gossip, peers, counters, logger, clock } = components
  const shared = { membership, counters, logger, clock }
  const isMember = (peerId: string) => membership.standing(peerId) === 'member'
  let stopping = new AbortController()

  const guard = createGuard(
    {
      standing: (peerId) => membership.standing(peerId),
      open: new Set([join.protocol]),
      isExpected: (peerId) => dialer.isExpected(peerId),
    },
    { counters, clock },
  )
  const remembered = createRemembered({ home: init.home, isMember }, { logger, clock })
  const admission = createAdmission(
    { isAlive: (peerId) => peers.get(peerId)?.presence === 'alive', onOut: init.onOut },
    shared,
  )
  const roster = createRoster(
    {
      async request(peerId, body) {
        const node = init.node()
        if (node === undefined) throw new MeshError('MESH_STOPPED', 'The mesh is not running.')
        const { maxBytes } = protocols.roster
        const { signal } = stopping
        const options = { maxBytes, signal, timeoutMs: ROSTER_TIMEOUT_MS, clock }
        return request(node, peerId, init.protocol, body, options)
      },
      publish: (notice) => gossip.publish('roster', notice),
      connected: () => peers.list().flatMap((at) => (at.connected ? at.peerId : [])),
      onTold() {
        dialer.recheck()
        remembered.sift()
        for (const { peerId } of peers.list()) if (!isMember(peerId)) peers.removed(peerId)
        init.onChange()
      },
    },
    shared,
  )
  gossip.subscribe('roster', (notice, from) => roster.heard(notice, from))
  membership.locate((peerId) =>
    peerId === membership.peerId ? init.addresses() : dialer.addresses(peerId).map(named(peerId)),
  )

  return {
    guard,
    async serve(node) {
      await admission.serve(node)
      await serve(node, init.protocol, {
        maxBytes: protocols.roster.maxBytes,
        answer: (body, from) => roster.answer(body, from),
        timeoutMs: ROSTER_TIMEOUT_MS,
        maxStreams: MAX_ROSTER_STREAMS,
        counters,
        logger,
        clock,
      })
    },
    async start() {
      stopping = new AbortController()
      for (const [peerId, addresses] of await remembered.load()) dialer.learn(peerId, addresses)
      await Promise.all([remembered, admission, roster].map((part) => part.start()))
    },
    async stop() {
      stopping.abort()
      await Promise.all([remembered, admission, roster].map((part) => part.stop()))
    },
    reached: (peerId) => remembered.note(peerId, dialer.addresses(peerId)),
    met: (peerId) => roster.met(peerId),
    async introduce(peerId, signal) {
      const node = init.node()
      return node !== undefined && admission.introduce(node, peerId, signal)
    },
  }
}

const named = (peerId: string) => (address: string) =>
  address.includes('/p2p/') ? address : `${address}/p2p/${peerId}`
