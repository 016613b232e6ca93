/** Who said lately that it is connected to whom. Words of who is not connected here do not count. */
import { RecentMap, type Clock } from '../../util/index.ts'

/** A word counts for so long, ms: each neighbour is asked about every quarter of an hour. */
const MEMORY_MS = 20 * 60_000
const MAX_WORDS = 10_000

export interface Words {
  /** `by` said that it is connected to `peerId`. */
  said(peerId: string, by: string): void
  /** Those of `neighbours` that said so of `peerId`. */
  about(peerId: string, neighbours: readonly string[]): string[]
}

export function createWords({ clock }: { clock: Clock }): Words {
  const words = new RecentMap<string, number>(MAX_WORDS)
  return {
    said: (peerId, by) => void words.set(`${by} ${peerId}`, clock.monotonic()),
    about(peerId, neighbours) {
      const oldest = clock.monotonic() - MEMORY_MS
      return neighbours.filter((by) => (words.get(`${by} ${peerId}`) ?? -Infinity) >= oldest)
    },
  }
}
