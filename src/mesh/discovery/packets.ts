/**
 * The mDNS packets of peer discovery (libp2p's spec: a PTR record that names the peer, TXT records
 * `dnsaddr=<multiaddr>`), made and read. Read packets come from anyone on the link: only what
 * fits the service tag, the limits and one peer id counts.
 */
import type { Answer, Packet, Question } from 'dns-packet'
import { sha256 } from '../../util/index.ts'
import { MAX_ADDRESSES, parseAddress } from '../node/addresses.ts'

/** Records of a packet that are looked at. */
const MAX_RECORDS = 64
const TTL_SECONDS = 120
const PREFIX = 'dnsaddr='
/** A TXT string's own limit. */
const MAX_TXT_BYTES = 255
/** Ed25519 peer ids have 52 characters; a DNS label holds 63. */
const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{46,63}$/

export interface Found {
  peerId: string
  addresses: string[]
}

/** The name that members of a mesh ask for: different meshes on one link do not see each other. */
export function serviceTag(meshName: string): string {
  return `_bzzz-${sha256(`bzzz mesh ${meshName}`).slice(0, 16)}._udp.local`
}

export function question(tag: string): Question[] {
  return [{ name: tag, type: 'PTR', class: 'IN' }]
}

export function isQuestion(packet: Packet, tag: string): boolean {
  return (packet.questions ?? [])
    .slice(0, MAX_RECORDS)
    .some(({ name, type }) => name === tag && type === 'PTR')
}

/** `addresses` are multiaddrs that end in `/p2p/<peerId>`; those too long for a TXT string are left out. */
export function answer(tag: string, { peerId, addresses }: Found): Answer[] {
  const name = `${peerId}.${tag}`
  const texts = addresses
    .map((address) => `${PREFIX}${address}`)
    .filter((text) => Buffer.byteLength(text) <= MAX_TXT_BYTES)
    .slice(0, MAX_ADDRESSES)
  return [
    { name: tag, type: 'PTR', class: 'IN', ttl: TTL_SECONDS, data: name },
    ...texts.map((data): Answer => ({ name, type: 'TXT', class: 'IN', ttl: TTL_SECONDS, data })),
  ]
}

/** The peer that an answer announces; undefined when it is not of this mesh or not well formed. */
export function readAnswer(packet: Packet, tag: string): Found | undefined {
  const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])].slice(0, MAX_RECORDS)
  const suffix = `.${tag}`
  const names = records.flatMap((at) =>
    at.type === 'PTR' && at.name === tag && at.data.endsWith(suffix) ? [at.data] : [],
  )
  const name = names[0]
  const peerId = name?.slice(0, -suffix.length)
  if (names.length !== 1 || peerId === undefined || !PEER_ID.test(peerId)) return undefined
  const addresses = records
    .flatMap((at) => (at.type === 'TXT' && at.name === name ? [at.data].flat() : []))
    .flatMap((data) => (data.length <= MAX_TXT_BYTES ? [data.toString()] : []))
    .flatMap((text) => (text.startsWith(PREFIX) ? [text.slice(PREFIX.length)] : []))
    .filter((text) => {
      const at = parseAddress(text)
      return at?.peerId === peerId && at.relay === undefined
    })
    .slice(0, MAX_ADDRESSES)
  return addresses.length === 0 ? undefined : { peerId, addresses }
}
