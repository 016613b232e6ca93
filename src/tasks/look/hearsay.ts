/**
 * What peers say of claims. It decides nothing; it keeps agents from asking what another will answer
 * by its claim ref anyway. An issue that a connected peer said it claimed is left alone until the
 * next safety look, or until the peer is gone, hands it back, or the own reading of the claim ref
 * knows better. Who said so and was wrong is not believed about that issue for as long.
 */
import { RecentMap, type Clock } from '../../util/index.ts'
import type { TaskAnnouncement } from '../../mesh/index.ts'

export interface Hearsay {
  heard(announcement: Pick<TaskAnnouncement, 'repo' | 'issue' | 'event'>, from: string): void
  /** Whether to leave the issue alone for now. */
  holds(repo: string, issue: number): boolean
  /**
   * Whether a peer that said it claimed an issue of the repository is gone: then a look of one's own
   * is due, since this agent may never have read that issue. True once for each word.
   */
  orphaned(repo: string): boolean
  /** This agent read the claim ref itself, from this time on (monotonic ms): what it heard before is spent. */
  know(repo: string, issue: number, readAt: number): void
}

export interface HearsayInit {
  /** How long a word counts while its peer is connected, ms; a function is asked each time. */
  holdMs: number | (() => number)
  /** Issues about which something is remembered; the oldest go first. */
  limit: number
}

/** How long any word counts, ms: the claim that it tells of shows in the ref by then. */
const shortMs = 5_000

export function createHearsay(
  { holdMs: given, limit }: HearsayInit,
  { clock, isHere }: { clock: Clock; isHere: (peerId: string) => boolean },
): Hearsay {
  const words = new RecentMap<string, { by: string; at: number }>(limit)
  /** By issue and peer: until when its word counts only shortly. */
  const spent = new RecentMap<string, number>(limit)
  const holdMs = () => (typeof given === 'number' ? given : given())
  const keyOf = (repo: string, issue: number) => `${repo.toLowerCase()}#${issue}`
  return {
    heard({ repo, issue, event }, from) {
      const key = keyOf(repo, issue)
      const before = words.get(key)
      if (event === 'released' || event === 'failed') return void words.delete(key)
      if (event !== 'claimed') return
      // Saying it again does not make it last longer.
      if (before?.by !== from) words.set(key, { by: from, at: clock.monotonic() })
    },
    holds(repo, issue) {
      const key = keyOf(repo, issue)
      const word = words.get(key)
      if (word === undefined) return false
      const now = clock.monotonic()
      const short = (spent.get(`${key} ${word.by}`) ?? -Infinity) > now || !isHere(word.by)
      if (now - word.at < (short ? shortMs : holdMs())) return true
      words.delete(key)
      spent.set(`${key} ${word.by}`, now + holdMs())
      return false
    },
    orphaned(repo) {
      const [prefix, now] = [`${repo.toLowerCase()}#`, clock.monotonic()]
      const gone = [...words].filter(
        ([key, { by, at }]) => key.startsWith(prefix) && now - at >= shortMs && !isHere(by),
      )
      for (const [key] of gone) words.delete(key)
      return gone.length > 0
    },
    know(repo, issue, readAt) {
      const key = keyOf(repo, issue)
      const word = words.get(key)
      if (word === undefined || word.at > readAt) return
      words.delete(key)
      spent.set(`${key} ${word.by}`, clock.monotonic() + holdMs())
    },
  }
}
