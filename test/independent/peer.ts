/**
 * A minimal peer of a Bzzz mesh, written from docs/protocol.md alone: it imports nothing of Bzzz. What
 * it can do with libp2p, gossipsub and hypercore, a peer in another language can do with theirs.
 *
 *   token ──join──▶ roster ──dial──▶ members: capabilities, heartbeats, roster, journals
 *
 * It works no issues, admits nobody, and stores its identity nowhere.
 */
import { randomBytes } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { gossipsub, StrictSign, TopicValidatorResult } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { base64url, canonical, isSignedByPeer, utf8, type Fields, type Json } from './forms.ts'
import { join } from './joining.ts'
import { openJournals, type Journals } from './journals.ts'
import { request, serve } from './requests.ts'
import type { Roster } from './roster.ts'
import { readToken } from './token.ts'

const HEARTBEAT_MS = 1000
const MAX_ROSTER_BYTES = 3 * 1024 * 1024 + 1024
const MAX_ANNOUNCEMENT_BYTES = 16 * 1024

export interface Peer {
  readonly peerId: string
  readonly journals: Journals
  /** What verified announcements said last, by peer id; by gossip and by asking. */
  readonly heard: { gossiped: Map<string, Fields>; asked: Map<string, Fields> }
  /** Heartbeats, by peer id: the latest. */
  readonly heartbeats: Map<string, Fields>
  /** Signs and publishes what it is and can, with the present head of its journal. */
  announce(): Promise<void>
  stop(): Promise<void>
}

export interface PeerInit {
  token: string
  name: string
  /** For its journal and the replicas. */
  dir: string
  /** Which peer id it is to have: the lower one of two opens the journal stream. Default: any. */
  fits?: (peerId: string) => boolean
}

async function makeKey(fits: (peerId: string) => boolean) {
  for (let tries = 0; tries < 100_000; tries += 1) {
    const key = await generateKeyPair('Ed25519')
    if (fits(peerIdFromPrivateKey(key).toString())) return key
  }
  throw new Error('no key has such a peer id')
}

export async function startPeer(init: PeerInit): Promise<Peer> {
  const { token: word, name, dir, fits = () => true } = init
  const token = await readToken(word)
  const { meshName } = token
  const privateKey = await makeKey(fits)
  const incarnation = randomBytes(16).toString('hex')
  const startedAt = Date.now()
  const heard = { gossiped: new Map<string, Fields>(), asked: new Map<string, Fields>() }
  const heartbeats = new Map<string, Fields>()
  const id = (protocol: string) => `/bzzz/${meshName}/${protocol}`
  const topic = (of: string) => id(`${of}/1`)
  const topics = ['capabilities', 'tasks', 'heartbeat', 'issues', 'limits', 'roster'].map(topic)
  let roster: Roster | undefined
  const isMember = (peerId: PeerId) => roster?.isMember(peerId.toString()) === true

  const node = await createLibp2p({
    start: false,
    privateKey,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: 1 << 20 } })],
    connectionGater: {
      denyDialPeer: () => false,
      denyInboundEncryptedConnection: (of) => !isMember(of),
    },
    services: {
      identify: identify(),
      ping: ping(),
      pubsub: gossipsub({
        globalSignaturePolicy: StrictSign,
        allowPublishToZeroTopicPeers: true,
        allowedTopics: topics,
        scoreParams: { IPColocationFactorWeight: 0 },
      }),
    },
  })
  const peerId = node.peerId.toString()
  const sign = async (data: Uint8Array) => privateKey.sign(data)
  const { pubsub } = node.services

  let sequence = 0
  async function announcement(): Promise<Fields> {
    const fixed = { v: 1, peerId, name, version: '1', incarnation, startedAt, roles: ['worker'] }
    const nothing = { executors: [], models: [], languages: [], tools: [], tags: [], gpu: [] }
    const payload = canonical({
      ...fixed,
      ...nothing,
      sequence,
      journal: await journals.head(),
      cpu: { cores: 1, load1: 0 },
      memory: { totalBytes: 1, freeBytes: 1 },
      slots: { total: 0, used: 0 },
      repositories: [],
      issuedAt: Date.now(),
    })
    const signature = await sign(utf8(`bzzz-capabilities:${meshName}:${payload}`))
    return { payload, signature: base64url(signature) }
  }

  async function openAnnouncement(one: Fields, from: string): Promise<Fields> {
    const payload = String(one.payload)
    const said = JSON.parse(payload) as Fields
    const signed = `bzzz-capabilities:${meshName}:${payload}`
    if (said.peerId !== from || !(await isSignedByPeer(from, signed, String(one.signature)))) {
      throw new Error('a forged announcement')
    }
    return said
  }

  const publish = async (of: string, message: Json) =>
    void (await pubsub.publish(topic(of), utf8(canonical(message))))

  const parse = (data: Uint8Array) => JSON.parse(Buffer.from(data).toString()) as Fields

  /** Judges in the validator, so that what is wrong, and each heartbeat, is not passed on. */
  function listen(of: string, take: (message: Fields, from: string) => Promise<boolean>): void {
    pubsub.topicValidators.set(topic(of), async (forwarder, message) => {
      if (message.type !== 'signed' || !isMember(forwarder) || !isMember(message.from)) {
        return TopicValidatorResult.Ignore
      }
      try {
        const passOn = await take(parse(message.data), message.from.toString())
        return passOn ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore
      } catch {
        return TopicValidatorResult.Reject
      }
    })
  }

  listen('capabilities', async (one, from) => {
    heard.gossiped.set(from, await openAnnouncement(one, from))
    return true
  })
  listen('heartbeat', async (one, from) => {
    heartbeats.set(from, one)
    return one.leaving === true
  })
  listen('roster', async ({ statements }) => {
    await roster?.merge(statements as Fields[])
    return true
  })

  const journals = await openJournals({ dir, peerId, name, incarnation, sign })
  const guarded =
    (answer: (question: Json, from: string) => Promise<Json>) =>
    async (question: Json, from: string) => {
      if (roster?.isMember(from) !== true) throw new Error('members only')
      return answer(question, from)
    }
  await serve(node, id('capabilities/1'), 16, guarded(announcement))
  await serve(
    node,
    id('witness/1'),
    16 * 1024,
    guarded(async () => ({ v: 1, heads: [] })),
  )
  await serve(node, id('roster/1'), MAX_ROSTER_BYTES, guarded(exchange))
  await journals.serve(node, id('journal/2'))

  async function exchange(question: Json): Promise<Json> {
    if (roster === undefined) throw new Error('no member yet')
    const { digest, statements } = question as Fields
    await roster.merge((statements ?? []) as Fields[])
    const isWanted = digest !== roster.digest() && statements === undefined
    const all = isWanted ? roster.statements() : undefined
    return { v: 1, digest: roster.digest(), statements: all }
  }

  /** What each side does with a member that it has connected. */
  async function meet(connection: Connection): Promise<void> {
    const remote = connection.remotePeer.toString()
    const protocol = id('capabilities/1')
    const one = (await request(connection, protocol, null, MAX_ANNOUNCEMENT_BYTES)) as Fields
    heard.asked.set(remote, await openAnnouncement(one, remote))
    const own = { v: 1, digest: roster?.digest() }
    const theirs = (await request(connection, id('roster/1'), own, MAX_ROSTER_BYTES)) as Fields
    await roster?.merge((theirs.statements ?? []) as Fields[])
    await journals.connect(connection, id('journal/2'))
  }

  let beats = 0
  const beat = (last: Fields = {}) =>
    publish('heartbeat', {
      v: 1,
      ...last,
      incarnation,
      sequence: (beats += 1),
      at: Date.now(),
      everyMs: HEARTBEAT_MS,
      startedAt,
      announced: sequence,
    }).catch(() => undefined)
  let beating: NodeJS.Timeout | undefined

  async function announce(): Promise<void> {
    sequence += 1
    await publish('capabilities', await announcement())
  }

  async function stop(): Promise<void> {
    clearInterval(beating)
    if (roster !== undefined) await beat({ leaving: true })
    await node.stop()
    await journals.close()
  }

  try {
    await node.start()
    roster = await join(node, token, name)
    for (const one of topics) pubsub.subscribe(one)
    beating = setInterval(() => void beat(), HEARTBEAT_MS)
    await meet(await node.dial(token.addresses.map((address) => multiaddr(address))))
    await announce()
  } catch (error) {
    await stop()
    throw error
  }
  return { peerId, journals, heard, heartbeats, announce, stop }
}
