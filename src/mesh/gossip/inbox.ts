/**
 * The one way in for messages of any topic: size, schema, author, signature, order; then accepted or
 * rejected with a reason, and counted.
 *
 * Order: a peer's announcements are ordered by (start of its incarnation, sequence). What came by
 * gossip may be a replay by anyone, so it must be newer than all before it; so must what a third peer
 * hands on. What was read directly came from the peer itself over an authenticated connection just
 * now, so it may also announce an incarnation that claims to be older (its clock was set back); the
 * incarnation it replaces is remembered as retired.
 */
import { CommonError, decodeJson } from '../../util/index.ts'
import { isAuthentic, openAnnouncement, type Signed } from './announcement.ts'
import type { Counters } from '../counters.ts'
import {
  topics,
  type Announcement,
  type Capabilities,
  type Heartbeat,
  type TopicMessage,
  type TopicName,
} from '../wire.ts'

/** Peers whose order is remembered; the one heard least recently is forgotten first. */
export const MAX_ORDERED_PEERS = 1000
const MAX_RETIRED = 8

export type RejectReason = 'oversized' | 'malformed' | 'forged' | 'stranger' | 'replayed'

/** What a topic's subscribers get: the message, and of an announcement also what it says. */
export type Delivered<T extends TopicName> = T extends 'capabilities' ? Signed : TopicMessage<T>

export type Verdict<T> =
  /** `isNew` is false when the same announcement came another way before: forward, do not deliver. */
  | { ok: true; message: T; isNew: boolean }
  /** `blame`: whether the one who passed it on should have known. Late and repeated ones are ignored only. */
  | { ok: false; reason: RejectReason; blame: boolean }

export interface Inbox {
  /** A message that `from` signed and anyone may have passed on. Never throws. */
  gossip<T extends TopicName>(
    topic: T,
    from: string,
    data: Uint8Array,
  ): Promise<Verdict<Delivered<T>>>
  /** The announcement that `from` sent itself over its connection. Never throws. */
  direct(from: string, data: Uint8Array): Promise<Verdict<Signed>>
  /**
   * An announcement that someone else handed on. One that is known already is `ok` and not new.
   * Never throws.
   */
  handedOn(announcement: Announcement): Promise<Verdict<Signed>>
}

export interface InboxComponents {
  /** Announcements are signed for it. */
  meshName: string
  counters: Counters
  /** Who may speak at all. Default: everyone. */
  isMember?: (peerId: string) => boolean
  /** Every heartbeat that decodes, also of an incarnation that another has followed. */
  onHeartbeat?: (from: string, heartbeat: Heartbeat) => void
}

interface Position {
  incarnation: string
  startedAt: number
  /** Last sequence by gossip; -1 when none. */
  gossiped: number
  /** Last sequence by any way. */
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

export function createInbox(components: InboxComponents): Inbox {
  const { meshName, counters, isMember = () => true, onHeartbeat } = components
  const positions = new Map<string, Position>()

  function remember(from: string, position: Position): void {
    positions.delete(from)
    positions.set(from, position)
    if (positions.size > MAX_ORDERED_PEERS) {
      const [oldest] = positions.keys()
      if (oldest !== undefined) positions.delete(oldest)
    }
  }

  function order(message: Capabilities, way: 'gossip' | 'direct' | 'handed on'): boolean {
    const { peerId: from, incarnation, startedAt, sequence } = message
    const gossiped = way === 'gossip' ? sequence : -1
    const last = positions.get(from)
    if (last === undefined || last.incarnation !== incarnation) {
      const retired = last?.retired ?? []
      if (way !== 'direct' && last !== undefined) {
        if (startedAt <= last.startedAt || retired.includes(incarnation)) {
          throw new Rejected('replayed', false)
        }
      }
      remember(from, {
        incarnation,
        startedAt,
        gossiped,
        applied: sequence,
        heartbeat: -1,
        retired: last === undefined ? [] : [last.incarnation, ...retired].slice(0, MAX_RETIRED),
      })
      return true
    }
    const stale = way === 'gossip' ? sequence <= last.gossiped : sequence < last.applied
    if (stale) throw new Rejected('replayed', false)
    const isNew = sequence > last.applied
    const applied = Math.max(sequence, last.applied)
    remember(from, { ...last, startedAt, applied, gossiped: Math.max(gossiped, last.gossiped) })
    return way === 'direct' || isNew
  }

  async function check(announcement: Announcement, from?: string): Promise<Signed> {
    const signed = openAnnouncement(announcement)
    const { peerId } = signed.capabilities
    if (from !== undefined && peerId !== from) throw new Rejected('forged')
    admit(peerId)
    if (!(await isAuthentic(signed, meshName))) throw new Rejected('forged')
    return signed
  }

  function admit(peerId: string): void {
    if (!isMember(peerId)) throw new Rejected('stranger', false)
  }

  function orderHeartbeat({ incarnation, sequence }: Heartbeat, from: string): void {
    const last = positions.get(from)
    if (last === undefined) return
    if (last.retired.includes(incarnation)) throw new Rejected('replayed', false)
    if (last.incarnation !== incarnation) return
    if (sequence <= last.heartbeat) throw new Rejected('replayed', false)
    last.heartbeat = sequence
  }

  async function judge<T>(
    topic: TopicName,
    decide: () => Promise<{ message: T; isNew: boolean }>,
  ): Promise<Verdict<T>> {
    try {
      const accepted = await decide()
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

  const announced = (data: Uint8Array, from: string, way: 'gossip' | 'direct') =>
    judge('capabilities', async () => {
      const message = await check(decode('capabilities', data), from)
      return { message, isNew: order(message.capabilities, way) }
    })

  return {
    gossip<T extends TopicName>(topic: T, from: string, data: Uint8Array) {
      if (topic === 'capabilities') {
        return announced(data, from, 'gossip') as Promise<Verdict<Delivered<T>>>
      }
      return judge(topic, async () => {
        admit(from)
        const message = decode(topic, data)
        if (topic === 'heartbeat') {
          onHeartbeat?.(from, message as Heartbeat)
          orderHeartbeat(message as Heartbeat, from)
        }
        return { message: message as Delivered<T>, isNew: true }
      })
    },
    direct: (from, data) => announced(data, from, 'direct'),
    handedOn: (announcement) =>
      judge('capabilities', async () => {
        const message = await check(announcement)
        return { message, isNew: order(message.capabilities, 'handed on') }
      }),
  }
}
