/**
 * Probes of a peer that is in doubt: other members are asked whether they reach it (`probe/1`), and a
 * dial of one's own is tried. One yes is enough. A member probes for others only whom it knows itself,
 * and only so many at once, so that nobody can use it to make it dial around. A peer whose connection
 * is not sought (it was closed for being one too many) is dialled only when others do not reach it at
 * once, and not for others, or each closing would be undone.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import {
  decodeJson,
  encodeJson,
  sleep,
  withDeadline,
  type Clock,
  type WaitOptions,
} from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import type { MeshNode } from '../node/node.ts'
import { request } from '../streams/request.ts'
import { protocols, type ProbeRequest, type ProbeResponse } from '../wire.ts'
import type { Probed } from './watch.ts'

/** One ping over a live connection, ms. */
const PING_MS = 2000
/** A probe for another, dial included, ms; below the request's own deadline. */
const SERVE_MS = 3500
/** A question to a helper, and the own dial, ms; more for a process in trouble. */
const ASK_MS = 4500
const MAX_ASK_MS = 15_000
/** What others are given before a peer is dialled that need not be connected, ms. */
const OTHERS_FIRST_MS = 2000
/** Probes for others at the same time: in all, and for one of them. */
const MAX_SERVED = 16
const MAX_SERVED_FOR_ONE = 4

export interface ProberInit {
  /** Full id of the protocol. */
  protocol: string
  peerId: string
  /** Members that are asked. */
  helpers: number
  signal: AbortSignal
}

export interface ProberComponents {
  node: MeshNode
  /** Connects, unless connected. */
  dial: (peerId: string, signal: AbortSignal) => Promise<void>
  /** Connected members that are alive. */
  helpers: () => string[]
  /** Those of them that said they are connected to the peer; asked first. Default: nobody. */
  near?: (peerId: string) => string[]
  /** Whether a connection to the peer is sought. Default: always. */
  isSought?: (peerId: string) => boolean
  /** Whether this one has met the peer or may meet it. */
  isKnown: (peerId: string) => boolean
  counters: Counters
  clock: Clock
  random: () => number
}

export interface Prober {
  /** Never rejects. */
  probe(peerId: string, patience: number): Promise<Probed>
  /** Answers a member's question. */
  answer(body: Uint8Array, from: string): Promise<Uint8Array>
}

/** `count` of `all` at random. Pure. */
export function pick<T>(all: readonly T[], count: number, random: () => number): T[] {
  const rest = [...all]
  const chosen: T[] = []
  while (chosen.length < count && rest.length > 0) {
    chosen.push(...rest.splice(Math.floor(random() * rest.length), 1))
  }
  return chosen
}

export function createProber(init: ProberInit, components: ProberComponents): Prober {
  const { protocol, peerId: self, signal } = init
  const { node, dial, counters, clock, random } = components
  const served = new Map<string, number>()
  const { maxBytes, maxRequestBytes } = protocols.probe

  const isConnected = (peerId: string) =>
    node.getConnections(peerIdFromString(peerId)).some(({ status }) => status === 'open')

  const mayDial = (peerId: string) => isConnected(peerId) || (components.isSought?.(peerId) ?? true)

  /** Round trip, ms. */
  async function reach(peerId: string, ms: number, wait: WaitOptions): Promise<number> {
    return withDeadline(
      `probe ${peerId}`,
      ms,
      async (inner) => {
        if (!isConnected(peerId)) await dial(peerId, inner)
        const ping = (at: AbortSignal) =>
          node.services.ping.ping(peerIdFromString(peerId), { signal: at })
        return withDeadline(`ping ${peerId}`, PING_MS, ping, { signal: inner, clock })
      },
      wait,
    )
  }

  async function ask(helper: string, target: string, timeoutMs: number): Promise<ProbeResponse> {
    const question: ProbeRequest = { v: 1, target }
    const options = { maxBytes, signal, timeoutMs, clock }
    const answer = await request(node, helper, protocol, encodeJson(question), options)
    const schema = protocols.probe.response
    return decodeJson(answer, { what: 'probe answer', schema, maxBytes })
  }

  async function probe(target: string, patience: number): Promise<Probed> {
    const ms = Math.min(MAX_ASK_MS, ASK_MS * patience)
    const others = components.helpers().filter((peerId) => peerId !== target)
    // Not all of them: friends of the dead are not to be asked alone.
    const near = pick(components.near?.(target) ?? [], init.helpers - 1, random)
    const rest = others.filter((peerId) => !near.includes(peerId))
    const helpers = [...near, ...pick(rest, init.helpers - near.length, random)]
    const found: Probed = { reached: undefined, denied: [], mute: [], asked: helpers.length }
    const enough = new AbortController()
    const direct = own(target).then(
      () => void (found.reached = 'direct'),
      () => undefined,
    )
    const indirect = helpers.map((helper) =>
      ask(helper, target, ms).then(
        ({ reached, tried }) => {
          if (reached) {
            found.reached ??= 'indirect'
            enough.abort()
          } else if (tried) found.denied.push(helper)
        },
        () => void found.mute.push(helper),
      ),
    )
    await Promise.all([direct, ...indirect])
    return found

    async function own(peerId: string): Promise<void> {
      if (!mayDial(peerId) && helpers.length > 0) {
        await sleep(OTHERS_FIRST_MS, { signal: enough.signal, clock })
      }
      await reach(peerId, ms, { signal, clock })
    }
  }

  async function serve(target: string, from: string): Promise<ProbeResponse> {
    if (target === self) return { v: 1, reached: true, tried: true, rttMs: 0 }
    const total = [...served.values()].reduce((sum, count) => sum + count, 0)
    const mine = served.get(from) ?? 0
    const isBusy = total >= MAX_SERVED || mine >= MAX_SERVED_FOR_ONE
    if (isBusy) counters.add('probes.busy')
    const isStrange = !components.isKnown(target) || !mayDial(target)
    if (isBusy || isStrange) {
      return { v: 1, reached: false, tried: false, rttMs: null }
    }
    served.set(from, mine + 1)
    counters.add('probes.served')
    try {
      const rttMs = await reach(target, SERVE_MS, { signal, clock })
      return { v: 1, reached: true, tried: true, rttMs }
    } catch {
      return { v: 1, reached: false, tried: true, rttMs: null }
    } finally {
      const left = (served.get(from) ?? 1) - 1
      if (left > 0) served.set(from, left)
      else served.delete(from)
    }
  }

  return {
    probe,
    async answer(body, from) {
      const schema = protocols.probe.request
      const what = 'probe request'
      const { target } = decodeJson(body, { what, schema, maxBytes: maxRequestBytes })
      return encodeJson(await serve(target, from))
    },
  }
}
