/**
 * Dials the members that are known and not connected, by the policy of `redial.ts`, and what the
 * configuration names. Others are not dialled however often they are heard of (but see
 * `strangers.ts`), and nobody at all once this machine is no member itself.
 *
 * One dial per peer at a time. When both sides hear of each other at once, the one with the smaller
 * peer id dials and the other waits a moment, so that there is one connection and not two.
 */
import { setMaxListeners } from 'node:events'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import {
  explain,
  repeat,
  systemClock,
  withDeadline,
  type Clock,
  type Logger,
  type Startable,
} from '../../util/index.ts'
import { dialable, parseAddress, type LocalAddress } from '../node/addresses.ts'
import type { Counters } from '../counters.ts'
import { MeshError } from '../errors.ts'
import { neighbours, type Seekable } from './neighbours.ts'
import { DIAL_TIMEOUT_MS, type MeshNode } from '../node/node.ts'
import { due, KnownPeers, redialDelay, type KnownLimits, type RedialPolicy } from './redial.ts'
import { unreachable } from '../streams/request.ts'
import { Strangers } from '../admission/strangers.ts'

/** Dials at the same time; more would only make each time out on a busy machine. */
const MAX_PARALLEL_DIALS = 8
/** How long the side with the greater peer id leaves the first dial to the other, ms. */
const YIELD_MS = 1000
/** Least time between dials of a peer that is heard of again and again, ms; doubles with failures up to the base pause. */
const MIN_PAUSE_MS = 500

export interface DialerInit extends KnownLimits, RedialPolicy {
  /** Own peer id. */
  peerId: string
  isMember: (peerId: string) => boolean
  /** Multiaddrs, with or without peer id, that are dialled for ever. */
  bootstrap: readonly string[]
  /** About how many connections are sought when more peers are known. */
  enoughConnections: number
}

export interface DialerComponents {
  node: () => MeshNode | undefined
  local: () => LocalAddress[]
  /** A dial failed: its addresses may be old; asks elsewhere and calls `heardOf`. */
  lookUp?: (peerId: string) => void
  counters: Counters
  logger: Logger
  clock?: Clock
  random?: () => number
}

export interface Dialer extends Startable {
  /**
   * Heard of a peer: if it is a member, remembers it, and dials soon unless connected. Others are kept
   * in mind, for when they become members, or nobody else is there.
   */
  heardOf(peerId: string, addresses: readonly string[]): void
  /** Only remembers addresses, of members. */
  learn(peerId: string, addresses: readonly string[]): void
  /** Whether a connection to that member is sought. */
  isSought(peerId: string): boolean
  /** Members whose addresses are known, with failed dials in a row. */
  members(): Seekable[]
  /** Whether the configuration names it. */
  isPinned(peerId: string): boolean
  /** Whether a peer that is no member is dialled on purpose. */
  isExpected(peerId: string): boolean
  /** The roster changed: drops who is no member any more, dials who became one. */
  recheck(): void
  /** Addresses that are known. */
  addresses(peerId: string): string[]
  /** A member of this mesh is connected: its pauses start anew. */
  connected(peerId: string): void
  /** It was connected but is of no use: the next dial waits, each time longer. */
  refused(peerId: string): void
  /** The connection went: dials at once. */
  lost(peerId: string): void
  /** Connects now. Errors: `PEER_UNREACHABLE`. */
  dial(peerId: string, signal?: AbortSignal): Promise<void>
}

export function createDialer(init: DialerInit, components: DialerComponents): Dialer {
  const {
    node,
    local,
    lookUp,
    counters,
    logger,
    clock = systemClock,
    random = Math.random,
  } = components
  const dialling = new Set<string>()
  /** Peers behind bootstrap addresses that name none. */
  const behind = new Map<string, string>()
  const wakes = new Set<() => void>()
  /** More were due than may be dialled at once. */
  let waiting = false
  let stopping = new AbortController()

  const connections = () => node()?.getConnections() ?? []
  const connectedPeers = () => new Set(connections().map((at) => at.remotePeer.toString()))
  const isConnected = (key: string) => connectedPeers().has(behind.get(key) ?? key)
  const known = new KnownPeers(init, { clock, isConnected })
  const loop = repeat(turn, {
    everyMs: Math.min(1000, init.baseMs / 3),
    onError: (error) => logger.warn({ error: explain(error) }, 'redial failed'),
    clock,
  })

  const strangers = new Strangers()
  let visiting: string | undefined

  function visitOne(isAlone: boolean): void {
    const next = strangers.visit(clock.monotonic(), isAlone)
    if (next === undefined) return
    visiting = next.peerId
    known.learn(next.peerId, next.addresses)
    void attempt(next.peerId).finally(() => {
      if (!init.isMember(next.peerId)) known.drop(next.peerId)
    })
  }

  const isPinned = (peerId: string) => keysOf(peerId).some((key) => known.get(key)?.pinned === true)
  const mayDial = (key: string) =>
    init.isMember(key) || known.get(key)?.pinned === true || key === visiting

  async function turn(): Promise<void> {
    known.forget()
    if (!init.isMember(init.peerId)) return
    const connected = connectedPeers()
    visitOne(connected.size === 0)
    const sought = [...known.entries()].filter(({ key }) => mayDial(key))
    const isSought = neighbours(init.peerId, sought, init.enoughConnections)
    const isBusy = (key: string) => dialling.has(key) || connected.has(behind.get(key) ?? key)
    for (const { key, pinned } of due(sought, clock.monotonic(), isBusy)) {
      waiting = dialling.size >= MAX_PARALLEL_DIALS
      if (waiting) return
      if (pinned || isSought(key)) void attempt(key)
    }
  }

  async function attempt(key: string): Promise<void> {
    try {
      await connect(key, stopping.signal)
    } catch (error) {
      logger.debug({ peer: key, error: explain(error) }, 'dial failed')
    }
  }

  async function connect(key: string, signal?: AbortSignal): Promise<void> {
    const running = node()
    if (running === undefined) throw new MeshError('MESH_STOPPED', 'The mesh is not running.')
    if (isConnected(key)) return
    if (!mayDial(key)) throw unreachable(key)
    dialling.add(key)
    known.attempted(key)
    counters.add('dials')
    try {
      const dial = (inner: AbortSignal) => running.dial(targetOf(key), { signal: inner })
      const connection = await withDeadline(`dial ${key}`, DIAL_TIMEOUT_MS, dial, { signal, clock })
      met(key, connection)
    } catch (cause) {
      known.failed(key, pause)
      counters.add('dials.failed')
      if (!key.startsWith('/')) lookUp?.(key)
      throw unreachable(key, cause)
    } finally {
      dialling.delete(key)
      if (waiting) loop.wake()
    }
  }

  function met(key: string, connection: Connection): void {
    const peerId = connection.remotePeer.toString()
    if (peerId === init.peerId) {
      known.drop(key)
      connection.abort(new Error('This address is our own.'))
    } else if (key !== peerId) behind.set(key, peerId)
  }

  const pause = (failures: number, absentMs: number) =>
    redialDelay(failures, init, random, absentMs)

  const members = () =>
    [...known.entries()].flatMap(({ key, failures }) =>
      init.isMember(key) ? [{ key, failures }] : [],
    )

  const keysOf = (peerId: string) => [
    peerId,
    ...[...behind].filter(([, at]) => at === peerId).map(([key]) => key),
  ]

  function targetOf(key: string) {
    if (key.startsWith('/')) return multiaddr(key)
    const addresses = dialable(known.get(key)?.addresses ?? [], local(), {
      self: init.peerId,
      isConnected: (relay) => connectedPeers().has(relay),
    })
    if (addresses.length === 0) return peerIdFromString(key)
    return addresses.map((text) => {
      const address = multiaddr(text)
      return parseAddress(text)?.peerId === undefined ? address.encapsulate(`/p2p/${key}`) : address
    })
  }

  /** Soon, but neither twice at once nor in a storm. */
  function hurry(peerId: string): void {
    if (stopping.signal.aborted || dialling.has(peerId) || isConnected(peerId)) return
    const failures = known.get(peerId)?.failures ?? 0
    const least = Math.min(init.baseMs, MIN_PAUSE_MS * 2 ** Math.min(failures, 16))
    const wait = known.hurry(peerId, init.peerId < peerId ? 0 : YIELD_MS, least)
    if (wait > YIELD_MS) return
    const cancel = clock.after(wait, () => {
      wakes.delete(cancel)
      loop.wake()
    })
    wakes.add(cancel)
  }

  return {
    async start() {
      stopping = new AbortController()
      setMaxListeners(0, stopping.signal)
      for (const address of init.bootstrap) {
        const peerId = parseAddress(address)?.peerId
        if (peerId !== init.peerId) known.learn(peerId ?? address, [address], { pinned: true })
      }
      await loop.start()
    },
    async stop() {
      stopping.abort()
      for (const cancel of wakes) cancel()
      wakes.clear()
      await loop.stop()
    },
    heardOf(peerId, addresses) {
      if (peerId === init.peerId) return
      if (!init.isMember(peerId)) {
        counters.add('dials.strangers')
        strangers.heardOf(peerId, addresses)
        return
      }
      known.learn(peerId, addresses)
      hurry(peerId)
    },
    learn(peerId, addresses) {
      if (peerId !== init.peerId && init.isMember(peerId)) known.learn(peerId, addresses)
    },
    isSought: (peerId) => neighbours(init.peerId, members(), init.enoughConnections)(peerId),
    members,
    isPinned,
    isExpected: (peerId) => isPinned(peerId) || peerId === visiting,
    recheck() {
      for (const { key, pinned } of Array.from(known.entries())) {
        if (!pinned && !init.isMember(key)) known.drop(key)
      }
      for (const { peerId, addresses } of strangers.take(init.isMember)) {
        known.learn(peerId, addresses)
        hurry(peerId)
      }
    },
    addresses: (peerId) => known.get(peerId)?.addresses ?? [],
    connected: (peerId) => keysOf(peerId).forEach((key) => known.succeeded(key)),
    refused(peerId) {
      for (const key of keysOf(peerId)) known.failed(key, pause)
    },
    lost: hurry,
    dial: connect,
  }
}
