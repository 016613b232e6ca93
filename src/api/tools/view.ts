/** A peer as an executor sees it: what it can do, not where it is. Pure. */
import type { PeerRow } from '../types.ts'
import { MAX_OFFERS, MAX_PEERS } from './limits.ts'

export interface PeerView {
  name: string
  presence: PeerRow['presence']
  connected: boolean
  roles: string[]
  /** Free slots for tasks, and all; null while it has announced nothing. */
  slots: { free: number; total: number } | null
  /** What `needs` may ask for: tags, tools, languages, executors and models; at most 60. */
  offers: string[]
}

/** Members; those that are there before the others; at most 100. */
export function peerViews(rows: readonly PeerRow[]): PeerView[] {
  return rows
    .filter(({ standing }) => standing === 'member')
    .toSorted((a, b) => Number(b.connected) - Number(a.connected))
    .slice(0, MAX_PEERS)
    .map(({ name, presence, connected, roles, capabilities }) => ({
      name,
      presence,
      connected,
      roles,
      slots: capabilities && {
        free: Math.max(0, capabilities.slots.total - capabilities.slots.used),
        total: capabilities.slots.total,
      },
      offers: capabilities === null ? [] : offersOf(capabilities),
    }))
}

function offersOf(of: NonNullable<PeerRow['capabilities']>): string[] {
  const named = [...of.executors, ...of.languages, ...of.tools].map(({ name }) => name)
  const gpu = of.gpu.length > 0 ? ['gpu'] : []
  return [...new Set([...of.tags, ...gpu, ...named, ...of.models])].slice(0, MAX_OFFERS)
}
