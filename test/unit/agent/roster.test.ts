import { expect, it } from 'vitest'
import { toCandidate } from '../../../src/agent/peers.ts'
import { peerRows } from '../../../src/agent/roster.ts'
import type { MeshPeer } from '../../../src/mesh/index.ts'
import { announcement } from '../mesh/samples.ts'

const peer: MeshPeer = {
  peerId: 'bee',
  name: 'bee',
  connected: true,
  presence: 'alive',
  roles: ['worker'],
  capabilities: announcement({ name: 'bee', roles: ['worker'] }),
  addresses: ['/ip4/192.0.2.7/tcp/4001'],
  lastSeenMs: 5,
}
const member = {
  standing: 'member' as const,
  roles: ['worker' as const],
  issuedAt: 1,
  expiresAt: 2,
  by: 'root',
}

it('shows members that are away, without oneself, then those that ask', () => {
  const rows = peerRows({
    mesh: { peers: () => [peer] },
    journal: { journals: () => [] },
    membership: {
      peerId: 'own',
      standing: () => 'member',
      members: () => [
        { ...member, peerId: 'own', name: 'own' },
        { ...member, peerId: 'gone', name: 'elk', standing: 'removed' },
        { ...member, peerId: 'away', name: 'fox' },
        { ...member, peerId: 'bee', name: 'as admitted' },
      ],
      asks: () => [
        { peerId: 'new', name: 'yak', roles: ['observer'], words: 'a b', since: 3, lastAskedAt: 4 },
      ],
    },
  })
  expect(
    rows.map(({ peerId, name, standing, presence, lastSeenMs, words }) => [
      peerId,
      name,
      standing,
      presence,
      lastSeenMs,
      words,
    ]),
  ).toEqual([
    ['bee', 'bee', 'member', 'alive', 5, null],
    ['away', 'fox', 'member', 'gone', null, null],
    ['gone', 'elk', 'removed', 'gone', null, null],
    ['new', 'yak', 'asking', 'alive', 4, 'a b'],
  ])
})

it.each([
  ['removed', 'gone'],
  ['expired', 'gone'],
  ['member', 'suspect'],
] as const)('shows to one that is %s whom it does not hear of as %s', (standing, presence) => {
  const cow: MeshPeer = { ...peer, peerId: 'cow', presence: 'suspect', connected: false }
  const rows = peerRows({
    mesh: { peers: () => [peer, cow] },
    journal: { journals: () => [] },
    membership: {
      peerId: 'own',
      standing: (peerId) => (peerId === 'own' ? standing : 'member'),
      members: () => ['own', 'bee', 'cow'].map((peerId) => ({ ...member, peerId, name: peerId })),
      asks: () => [],
    },
  })
  expect(rows.map((row) => [row.peerId, row.presence])).toEqual([
    // Still connected.
    ['bee', 'alive'],
    ['cow', presence],
  ])
})

it('counts only those as candidates for tasks that the mesh lets work', () => {
  expect(toCandidate(peer)).toHaveLength(1)
  // It says that it works; the mesh has admitted it as an observer.
  expect(toCandidate({ ...peer, roles: ['observer'] })).toEqual([])
  expect(toCandidate({ ...peer, presence: 'gone' })).toEqual([])
})
