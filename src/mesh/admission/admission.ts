/**
 * Membership on the wire, beside the roster: answers who asks to join or introduces itself, shows
 * the own record to members that do not know it yet, renews what runs out, and says once, clearly,
 * when this machine is out.
 */
import type { Connection } from '@libp2p/interface'
import {
  decodeJson,
  encodeJson,
  explain,
  repeat,
  systemClock,
  type Clock,
  type Logger,
  type Startable,
} from '../../util/index.ts'
import { parseAddress } from '../node/addresses.ts'
import type { Counters } from '../counters.ts'
import { comeBack } from '../membership/join-wire.ts'
import type { Membership, Standing } from '../membership/types.ts'
import type { MeshNode } from '../node/node.ts'
import { request, serve } from '../streams/request.ts'
import { join } from '../wire.ts'

/** Between looks at what runs out, ms, less up to a fifth. */
const RENEW_MS = 10 * 60_000
/** Of the join protocol on one connection at once. */
const MAX_STREAMS = 2

export interface AdmissionInit {
  /** Whether a member was seen lately, and so is worth renewing. */
  isAlive: (peerId: string) => boolean
  onOut: (standing: Standing) => void
}

export interface AdmissionComponents {
  membership: Membership
  counters: Counters
  logger: Logger
  clock?: Clock
}

export interface Admission extends Startable {
  /** Before the node starts. */
  serve(node: MeshNode): Promise<void>
  /**
   * Shows the own record to a connected peer. Resolves with whether it takes us for a member now;
   * false also when it does not answer. Never rejects.
   */
  introduce(node: MeshNode, peerId: string, signal: AbortSignal): Promise<boolean>
}

export function createAdmission(init: AdmissionInit, components: AdmissionComponents): Admission {
  const { membership, counters, logger, clock = systemClock } = components
  let saidOut: Standing | undefined

  const renewals = repeat(
    async () => {
      counters.add('roster.renewed', await membership.renew(init.isAlive))
      look()
    },
    {
      everyMs: RENEW_MS,
      immediate: false,
      onError: (error) => logger.warn({ error: explain(error) }, 'renewing members failed'),
      clock,
    },
  )

  /** Says once that this machine is out. */
  function look(): void {
    const standing = membership.standing(membership.peerId)
    if (standing === 'member') {
      saidOut = undefined
      return
    }
    if (saidOut === standing) return
    saidOut = standing
    counters.add('membership.out')
    const { meshName, peerId } = membership
    logger.error(
      { standing, meshName, peerId },
      standing === 'removed'
        ? `this machine was removed from the mesh and takes part no more; to come back, ${comeBack}`
        : 'the membership of this machine ran out and it takes part no more; join again: bzzz join TOKEN',
    )
    init.onOut(standing)
  }

  /**
   * A change of the roster says only that this machine is a member again: that it is out, membership
   * says itself, after a while, since it may hear of a rotation before its new record comes.
   */
  function back(): void {
    if (membership.standing(membership.peerId) === 'member') saidOut = undefined
  }

  async function answer(body: Uint8Array, connection: Connection): Promise<Uint8Array> {
    const peerId = connection.remotePeer.toString()
    counters.add('join.requests')
    let message: Record<string, unknown>
    try {
      const { request: schema, maxRequestBytes: maxBytes } = join
      message = decodeJson(body, { what: 'join request', schema, maxBytes })
    } catch (error) {
      counters.add('join.malformed')
      throw error
    }
    const address = parseAddress(connection.remoteAddr.toString())?.host
    const from = { peerId, ...(address === undefined ? {} : { address }) }
    const answer = await membership.answer(message, from)
    counters.add(`join.answered.${kindOf(answer)}`)
    return encodeJson(answer)
  }

  /** A stranger got its one answer. Who became a member by it goes on at once. */
  function onEnd(connection: Connection): void {
    if (membership.standing(connection.remotePeer.toString()) === 'member') return
    connection.close().catch(() => connection.abort(new Error('It did not close.')))
  }

  return {
    async start() {
      membership.events.on('out', look)
      membership.events.on('change', back)
      look()
      await renewals.start()
    },
    async stop() {
      membership.events.off('out', look)
      membership.events.off('change', back)
      await renewals.stop()
    },
    serve: (node) =>
      serve(node, join.protocol, {
        maxBytes: join.maxRequestBytes,
        answer: (body, _peerId, connection) => answer(body, connection),
        onEnd,
        timeoutMs: join.timeoutMs,
        maxStreams: MAX_STREAMS,
        counters,
        logger,
        clock,
      }),
    async introduce(node, peerId, signal) {
      const { protocol, maxResponseBytes: maxBytes, timeoutMs, response: schema } = join
      const options = { maxBytes, signal, timeoutMs, clock }
      counters.add('introductions')
      try {
        const message = encodeJson(membership.introduction())
        const reply = await request(node, peerId, protocol, message, options)
        const answer = decodeJson(reply, { what: 'answer to the introduction', schema, maxBytes })
        const standing = await membership.introduced(answer)
        if (standing === 'member') return true
        logger.info({ peerId, standing }, 'a peer does not take this machine for a member')
      } catch (error) {
        logger.debug({ peerId, error: explain(error) }, 'introduction failed')
      }
      counters.add('introductions.failed')
      return false
    },
  }
}

/** For the counter: one of few, whatever the answer says. */
function kindOf(answer: unknown): string {
  const kind = (answer as { kind?: unknown } | null)?.kind
  const kinds = ['welcome', 'pending', 'elsewhere', 'refused', 'met']
  return typeof kind === 'string' && kinds.includes(kind) ? kind : 'other'
}
