/**
 * The one way in for messages of any topic: size, schema, author, expiry, order; then accepted or
 * rejected with a reason, and counted.
 *
 * Order: a peer's announcements are ordered by (start of its incarnation, sequence). What came by
 * gossip may be a replay by anyone, so it must be newer than all before it. What was read directly
 * came from the peer itself over an authenticated connection just now, so it may also announce an
 * incarnation that claims to be older (its clock was set back); the incarnation it replaces is
 * remembered as retired. Expiry: the life `expiresAt - issuedAt` is measured on the own clock from
 * receipt, because clocks of machines differ.
 */
import { CommonError, decodeJson, systemClock, type Clock } from '../util/index.ts'
import type { Counters } from './counters.ts'
import {
  topics,
  type Capabilities,
  type Heartbeat,
  type TopicMessage,
  type TopicName,
} from './wire.ts'

/** Longest life of an announcement, ms; a longer one is absurd. */
export const MAX_LIFETIME_MS = 600_000
/** Peers whose order is remembered; the one heard least recently is forgotten first. */
export const MAX_ORDERED_PEERS = 1000
const MAX_RETIRED = 8

export type RejectReason = 'oversized' | 'malformed' | 'forged' | 'expired' | 'replayed'

export type Verdict<T> =
  /** `isNew` is false when the same announcement was read directly before: forward, do not deliver. */
  | { ok: true; message: T; isNew: boolean }
  /** `blame`: whether the one who passed it on should have known. Late and repeated ones are ignored only. */
  | { ok: false; reason: RejectReason; blame: boolean }

export interface Inbox {
  /** A message that `from` signed and anyone may have passed on. */
  gossip<T extends TopicName>(topic: T, from: string, data: Uint8Array): Verdict<TopicMessage<T>>
  /** Capabilities that `from` sent itself over its connection. */
  direct(from: string, data: Uint8Array): Verdict<Capabilities>
}

interface Position {
  incarnation: string
  startedAt: number
  /** Last sequence by gossip; -1 when none. */
  gossiped: number
  /** Last sequence by either way. */
  applied: number
  heartbeat: number
  retired: string[]
}

class Rejected extends Error {
  readonly reason: RejectReason
  readonly blame: boolean
  constructor(reason: RejectReason, blame = true) {
    super(reason)
    this.reason = reason
    this.blame = blame
  }
}

export interface InboxComponents {
  counters: Counters
  clock?: Clock
  /** Every heartbeat that decodes, also of an incarnation that another has followed. */
  onHeartbeat?: (from: string, heartbeat: Heartbeat) => void
}

export function createInbox(components: InboxComponents): Inbox {
  const { counters, clock = systemClock, onHeartbeat } = components
  const positions = new Map<string, Position & { heardAt: number }>()

  function remember(from: string, position: Position): void {
    positions.delete(from)
    positions.set(from, { ...position, heardAt: clock.monotonic() })
    if (positions.size > MAX_ORDERED_PEERS) {
      const [oldest] = positions.keys()
      if (oldest !== undefined) positions.delete(oldest)
    }
  }

  function orderCapabilities(message: Capabilities, from: string, direct: boolean): boolean {
    const { incarnation, startedAt, sequence } = message
    const last = positions.get(from)
    if (last === undefined || last.incarnation !== incarnation) {
      const retired = last?.retired ?? []
      if (!direct && last !== undefined) {
        if (startedAt <= last.startedAt || retired.includes(incarnation)) {
          throw new Rejected('replayed', false)
        }
      }
      remember(from, {
        incarnation,
        startedAt,
        gossiped: direct ? -1 : sequence,
        applied: sequence,
        heartbeat: -1,
        retired: last === undefined ? [] : [last.incarnation, ...retired].slice(0, MAX_RETIRED),
      })
      return true
    }
    const stale = direct ? sequence < last.applied : sequence <= last.gossiped
    if (stale) throw new Rejected('replayed', false)
    const isNew = sequence > last.applied
    const applied = Math.max(sequence, last.applied)
    remember(from, { ...last, applied, gossiped: direct ? last.gossiped : sequence })
    return direct || isNew
  }

  function checkCapabilities(message: Capabilities, from: string): void {
    if (message.peerId !== from) throw new Rejected('forged')
    const life = message.expiresAt - message.issuedAt
    if (life <= 0 || life > MAX_LIFETIME_MS) throw new Rejected('expired')
  }

  function orderHeartbeat({ incarnation, sequence }: Heartbeat, from: string): void {
    const last = positions.get(from)
    if (last === undefined) return
    if (last.retired.includes(incarnation)) throw new Rejected('replayed', false)
    if (last.incarnation !== incarnation) return
    if (sequence <= last.heartbeat) throw new Rejected('replayed', false)
    last.heartbeat = sequence
  }

  function judge<T>(topic: TopicName, decode: () => { message: T; isNew: boolean }): Verdict<T> {
    try {
      const accepted = decode()
      counters.add(`accepted.${topic}`)
      return { ok: true, ...accepted }
    } catch (error) {
      const { reason, blame } =
        error instanceof Rejected
          ? error
          : new Rejected(
              error instanceof CommonError && error.code === 'TOO_LARGE'
                ? 'oversized'
                : 'malformed',
            )
      counters.add(`rejected.${reason}`)
      return { ok: false, reason, blame }
    }
  }

  const decode = <T extends TopicName>(topic: T, data: Uint8Array): TopicMessage<T> => {
    const { schema, maxBytes } = topics[topic]
    return decodeJson(data, { what: `${topic} message`, schema, maxBytes }) as TopicMessage<T>
  }

  return {
    gossip: (topic, from, data) =>
      judge(topic, () => {
        const message = decode(topic, data)
        if (topic === 'capabilities') {
          checkCapabilities(message as Capabilities, from)
          return { message, isNew: orderCapabilities(message as Capabilities, from, false) }
        }
        if (topic === 'heartbeat') {
          onHeartbeat?.(from, message as Heartbeat)
          orderHeartbeat(message as Heartbeat, from)
        }
        return { message, isNew: true }
      }),
    direct: (from, data) =>
      judge('capabilities', () => {
        const message = decode('capabilities', data)
        checkCapabilities(message, from)
        return { message, isNew: orderCapabilities(message, from, true) }
      }),
  }
}
