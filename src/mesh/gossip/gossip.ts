/**
 * Topics. Incoming messages are decoded and judged in gossipsub's topic validator, so that what is
 * rejected is not passed on; accepted ones go to the subscribers. Outgoing ones are checked
 * against the same schema and limit, because one message that is too large would kill the
 * receiver's stream.
 *
 * Only members are heard: what another wrote is dropped whoever passes it on, without blame, since a
 * roster may be behind.
 *
 * Heartbeats are accepted but never forwarded: with flood publishing each comes over the direct
 * link only, so that its silence means that this link is dead. Only a goodbye goes on to all.
 */
import { TopicValidatorResult } from '@libp2p/gossipsub'
import type { GossipSub } from '@libp2p/gossipsub'
import { encodeJson, explain, type Logger } from '../../util/index.ts'
import type { Counters } from '../counters.ts'
import { MeshError } from '../errors.ts'
import type { Delivered, Inbox } from './inbox.ts'
import { topics, type Heartbeat, type TopicMessage, type TopicName } from '../wire.ts'

export type Handler<T extends TopicName> = (message: Delivered<T>, from: string) => void

export interface Gossip {
  /** Joins all topics of a started node. */
  attach(pubsub: GossipSub): void
  detach(): void
  /** Whether the peer is known to listen to every topic. */
  isHeardBy(peerId: string): boolean
  publish<T extends TopicName>(topic: T, message: TopicMessage<T>): Promise<void>
  subscribe<T extends TopicName>(topic: T, handler: Handler<T>): () => void
}

export interface GossipComponents {
  inbox: Inbox
  /** A message of this peer was accepted: it is alive. */
  onAuthor: (peerId: string) => void
  counters: Counters
  logger: Logger
}

export const topicName = (meshName: string, topic: TopicName): string =>
  `/bzzz/${meshName}/${topics[topic].id}`

const names = Object.keys(topics) as TopicName[]

export const topicNames = (meshName: string): string[] =>
  names.map((topic) => topicName(meshName, topic))

export function createGossip(
  { meshName, isMember }: { meshName: string; isMember: (peerId: string) => boolean },
  components: GossipComponents,
): Gossip {
  const { inbox, onAuthor, counters, logger } = components
  const handlers = new Map<TopicName, Set<(message: unknown, from: string) => void>>()
  let pubsub: GossipSub | undefined

  function deliver(topic: TopicName, message: unknown, from: string): void {
    for (const handler of handlers.get(topic) ?? []) {
      try {
        handler(message, from)
      } catch (error) {
        counters.add('handlers.failed')
        logger.error({ topic, error: explain(error) }, 'a subscriber failed')
      }
    }
  }

  async function receive(topic: TopicName, from: string, forwarder: string, data: Uint8Array) {
    if (!isMember(from) || !isMember(forwarder)) {
      counters.add('rejected.stranger')
      return TopicValidatorResult.Ignore
    }
    const verdict = await inbox.gossip(topic, from, data)
    if (!verdict.ok) {
      logger.debug({ topic, from, reason: verdict.reason }, 'message rejected')
      return verdict.blame ? TopicValidatorResult.Reject : TopicValidatorResult.Ignore
    }
    onAuthor(from)
    if (verdict.isNew) deliver(topic, verdict.message, from)
    const staysHere = topic === 'heartbeat' && (verdict.message as Heartbeat).leaving !== true
    return staysHere ? TopicValidatorResult.Ignore : TopicValidatorResult.Accept
  }

  return {
    attach(next) {
      pubsub = next
      for (const topic of names) {
        next.topicValidators.set(topicName(meshName, topic), (forwarder, message) =>
          message.type === 'signed'
            ? receive(topic, message.from.toString(), forwarder.toString(), message.data)
            : TopicValidatorResult.Reject,
        )
        next.subscribe(topicName(meshName, topic))
      }
    },
    detach() {
      pubsub = undefined
    },
    isHeardBy: (peerId) =>
      names.every((topic) =>
        pubsub
          ?.getSubscribers(topicName(meshName, topic))
          .some((subscriber) => subscriber.toString() === peerId),
      ),
    async publish(topic, message) {
      const { schema, maxBytes } = topics[topic]
      const checked = schema.safeParse(message)
      if (!checked.success) {
        throw new MeshError('MESSAGE_INVALID', `A ${topic} message does not fit its schema.`, {
          data: { topic, path: checked.error.issues[0]?.path.join('.') },
          cause: checked.error,
        })
      }
      const data = encodeJson(checked.data)
      if (data.byteLength > maxBytes) {
        throw new MeshError(
          'MESSAGE_TOO_LARGE',
          `A ${topic} message has ${data.byteLength} bytes; at most ${maxBytes} may be sent.`,
          { data: { topic, bytes: data.byteLength, maxBytes } },
        )
      }
      if (pubsub === undefined) throw new MeshError('MESH_STOPPED', 'The mesh is not running.')
      await pubsub.publish(topicName(meshName, topic), data)
      counters.add(`published.${topic}`)
    },
    subscribe(topic, handler) {
      const set = handlers.get(topic) ?? new Set()
      handlers.set(topic, set)
      const entry = (message: unknown, from: string) =>
        handler(message as Parameters<typeof handler>[0], from)
      set.add(entry)
      return () => void set.delete(entry)
    },
  }
}
