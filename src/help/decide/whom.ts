/**
 * Whom to ask: a pure ranking by fitness. A peer that lacks something may still know one that does
 * not, so it is asked later, not never. One that is no worker is not asked: it neither helps nor is it
 * there to pass on questions.
 */
import type { HelpPeer } from '../types.ts'

/** What became of former help of a peer, as far as the own journal tells. */
export interface Past {
  used: number
  failed: number
}

export interface Candidate {
  peerId: string
  /** 0 to 1,000. */
  score: number
  reason: string
}

export interface WhomInput {
  peers: readonly HelpPeer[]
  needs: readonly string[]
  /** Peers of the path, oneself, and those asked before. */
  seen: ReadonlySet<string>
  lacks: (needs: readonly string[], capabilities: NonNullable<HelpPeer['capabilities']>) => string[]
  past: (peerId: string) => Past | undefined
  random: () => number
}

const POINTS = { able: 500, free: 200, idle: 100, past: 200 } as const

/** Connected, not gone, and no mere observer; one that has announced nothing yet may be a worker. */
export const mayBeAsked = ({ connected, presence, capabilities }: Omit<HelpPeer, 'peerId'>) =>
  connected && presence !== 'gone' && capabilities?.roles.includes('worker') !== false

/** Best first; equals by chance, so that not all ask the same one. */
export function rank({ peers, needs, seen, lacks, past, random }: WhomInput): Candidate[] {
  return peers
    .filter((peer) => mayBeAsked(peer) && !seen.has(peer.peerId))
    .map((peer) => ({ ...judge(peer, { needs, lacks, past }), chance: random() }))
    .sort((a, b) => b.score - a.score || a.chance - b.chance || (a.peerId < b.peerId ? -1 : 1))
    .map(({ peerId, score, reason }) => ({ peerId, score, reason }))
}

function judge(
  { peerId, capabilities }: HelpPeer,
  { needs, lacks, past }: Pick<WhomInput, 'needs' | 'lacks' | 'past'>,
): Candidate {
  const { used, failed } = past(peerId) ?? { used: 0, failed: 0 }
  const record = ((used + 1) / (used + failed + 2)) * POINTS.past
  const history = used + failed === 0 ? '' : `, helped ${used} of ${used + failed} times`
  if (capabilities === undefined) {
    return { peerId, score: Math.round(record), reason: `says nothing of itself yet${history}` }
  }
  const missing = lacks(needs, capabilities)
  const { slots, cpu } = capabilities
  const free = Math.max(0, slots.total - slots.used)
  const idle = Math.max(0, 1 - cpu.load1 / Math.max(1, cpu.cores))
  const able = missing.length === 0
  const ability = able ? POINTS.able : 0
  const room = free > 0 ? POINTS.free : 0
  const what = able ? 'has all' : `lacks ${missing.join(', ')}`
  const reason = `${what}, ${free} of ${slots.total} slots free, load ${cpu.load1} of ${cpu.cores}${history}`
  return {
    peerId,
    score: Math.round(ability + room + idle * POINTS.idle + record),
    reason: reason.slice(0, 256),
  }
}
