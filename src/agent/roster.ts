/** Who belongs to the mesh, who of them is there, and who asks: roster and presence as rows. Pure. */
import type { PeerRow } from '../api/index.ts'
import type { Journal } from '../journal/index.ts'
import type { AskView, MemberView, Membership, Mesh, MeshPeer } from '../mesh/index.ts'

type Lengths = ReadonlyMap<string, number>

export interface RosterParts {
  mesh: Pick<Mesh, 'peers'>
  membership: Pick<Membership, 'members' | 'asks' | 'peerId' | 'standing'>
  journal: Pick<Journal, 'journals'>
}

/**
 * Never oneself. Members first, those that are there before the others; then who asks. Who is no member
 * itself hears of nobody any more, so what it last heard says nothing: all it is not connected to are gone.
 */
export function peerRows({ mesh, membership, journal }: RosterParts): PeerRow[] {
  const lengths = new Map(journal.journals().map(({ key, length }) => [key, length]))
  const isOut = membership.standing(membership.peerId) !== 'member'
  const met = new Map(
    mesh.peers().map((peer) => [peer.peerId, isOut && !peer.connected ? away(peer) : peer]),
  )
  const others = membership.members().filter(({ peerId }) => peerId !== membership.peerId)
  const members = others.map((member) => memberRow(member, met.get(member.peerId), lengths))
  const order = (row: PeerRow) => (row.connected ? 0 : row.standing === 'member' ? 1 : 2)
  return [...members.toSorted((a, b) => order(a) - order(b)), ...membership.asks().map(askRow)]
}

const away = (peer: MeshPeer): MeshPeer => ({ ...peer, presence: 'gone' })

function memberRow(member: MemberView, peer: MeshPeer | undefined, lengths: Lengths): PeerRow {
  const { peerId, standing } = member
  const capabilities = peer?.capabilities ?? null
  const announced = capabilities?.journal
  const connected = peer?.connected ?? false
  return {
    name: peer?.name ?? member.name,
    peerId,
    standing,
    presence: peer?.presence ?? 'gone',
    connected,
    roles: member.roles,
    words: null,
    record: {
      name: member.name,
      issuedAtMs: member.issuedAt,
      expiresAtMs: member.expiresAt,
      by: member.by,
      admittedBy: member.admittedBy ?? null,
    },
    addresses: peer?.addresses ?? [],
    rttMs: peer?.rttMs ?? null,
    capabilities,
    // What is replicated here is fresher than what was announced.
    journal: announced
      ? { key: announced.key, length: Math.max(announced.length, lengths.get(announced.key) ?? 0) }
      : null,
    lastSeenMs: peer?.lastSeenMs ?? null,
  }
}

function askRow({ peerId, name, roles, words, address, lastAskedAt }: AskView): PeerRow {
  return {
    name,
    peerId,
    standing: 'asking',
    presence: 'alive',
    connected: false,
    roles,
    words,
    record: null,
    addresses: address === undefined ? [] : [address],
    rttMs: null,
    capabilities: null,
    journal: null,
    lastSeenMs: lastAskedAt,
  }
}
