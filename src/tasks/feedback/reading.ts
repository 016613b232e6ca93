/**
 * Reading pull requests with few calls: one listing per repository, by ETag, tells which of them
 * changed, and only those are read. Checks do not show in the listing, so they are asked for by ETag
 * while some have not ended, and now and then after that; webhooks make it sooner.
 */
import { explain, hasCode } from '../../util/index.ts'
import type { PullSummary, ReviewCalls } from '../github/review-calls.ts'
import { replicaMs } from '../look/sight.ts'
import type { Watched } from './watched.ts'

export interface ReadingInit {
  repo: string
  /** Monotonic ms. */
  now: number
  /** Pause after which all of it is read again although nothing says that it changed, ms. */
  safetyMs: number
  /** A webhook, or something else, says that something changed. */
  asked: boolean
}

/** How long after a change checks are asked for at each look, ms: they begin late, and one after another. */
const eagerMs = 10 * 60_000

const stampOf = ({ updatedAt, headOid, draft, labels }: PullSummary) =>
  JSON.stringify([updatedAt, headOid, draft, labels])

/** Updates what is known. Returns those that are not there any more, each with what became of it. */
export async function readPulls(
  reviews: ReviewCalls,
  watched: Iterable<Watched>,
  init: ReadingInit,
  signal: AbortSignal,
  onError: (one: Watched, error: string) => void,
): Promise<{ one: Watched; mergedBy: string | undefined; merged: boolean }[]> {
  const { repo } = init
  const { pulls, whole } = await reviews.openPulls(repo, signal)
  const ended: { one: Watched; mergedBy: string | undefined; merged: boolean }[] = []
  for (const one of watched) {
    const listed = pulls.find(({ number }) => number === one.pull.number)
    try {
      await readOne(reviews, one, listed, { ...init, whole }, signal)
      one.missingSince = undefined
      const pull = one.seen?.pull
      if (pull !== undefined && !pull.open)
        ended.push({ one, merged: pull.merged, mergedBy: pull.mergedBy })
    } catch (error) {
      if (signal.aborted) throw error
      one.missingSince ??= init.now
      // Deleted, or the repository is not what it was.
      const isGone = init.now - one.missingSince >= replicaMs
      if (hasCode(error, 'GITHUB_NOT_FOUND') && isGone)
        ended.push({ one, merged: false, mergedBy: undefined })
      else onError(one, explain(error))
    }
  }
  return ended
}

async function readOne(
  reviews: ReviewCalls,
  one: Watched,
  listed: PullSummary | undefined,
  { repo, now, safetyMs, asked, whole }: ReadingInit & { whole: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { number } = one.pull
  const stamp = listed === undefined ? '' : stampOf(listed)
  const isGone = listed === undefined && whole
  const isDue = now - one.readAt >= safetyMs || one.seen?.pull.unknown === true
  if (one.seen === undefined || isGone || stamp !== one.stamp || isDue) {
    const pull = await reviews.pull(repo, number, signal)
    if (!pull.open) {
      const none = { total: 0, pending: 0, failed: [] }
      one.seen = { pull, reviews: [], lines: [], checks: none }
      return
    }
    const [said, lines] = [
      await reviews.reviews(repo, number, signal),
      await reviews.lineComments(repo, number, signal),
    ]
    const checks = await reviews.checks(repo, pull.headOid, signal)
    one.seen = { pull, reviews: said, lines, checks }
    if (stamp !== one.stamp) one.changedAt = now
    one.stamp = stamp
    one.readAt = now
    return
  }
  const isEager = asked || one.seen.checks.pending > 0 || now - one.changedAt < eagerMs
  if (!isEager) return
  const { headOid } = one.seen.pull
  one.seen = { ...one.seen, checks: await reviews.checks(repo, headOid, signal) }
}
