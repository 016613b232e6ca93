/**
 * Reading pull requests with few calls: one listing per repository, by ETag, tells which of them
 * changed, and only those are read. Checks do not show in the listing, so they are asked for by ETag
 * after a change and while some have not ended, at pauses that grow; webhooks make it sooner.
 *
 * A turn reads a bounded number of them, those that changed first, then those that were longest not
 * looked at: hundreds of open pull requests must not hold up new work.
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

/** How long after a change checks are asked for although all have ended, ms: they begin late, and one after another. */
const eagerMs = 10 * 60_000
/** Pause between two looks at one, as a part of the time since its last change. */
const pausePart = 1 / 8
/** One that nothing happens to is read again at pauses of up to so many safety looks: for conflicts, which the listing does not show. */
const maxSafeties = 6
/** Pull requests that are read in one turn. */
export const maxReads = 8

const stampOf = ({ updatedAt, headOid, draft, labels }: PullSummary) =>
  JSON.stringify([updatedAt, headOid, draft, labels])

interface Listed {
  stamp: string
  /** It is in no listing that is whole. */
  isGone: boolean
}

export interface Visit {
  one: Watched
  listed: Listed
  what: 'all' | 'checks'
  /** It is known to have changed, and could be read when it was tried last. */
  isNews: boolean
}

/** What is to be read of one. Pure. */
export function visitOf(
  one: Watched,
  listed: Listed,
  { now, safetyMs, asked }: Omit<ReadingInit, 'repo'>,
): Visit | undefined {
  const isNews = one.seen === undefined || listed.isGone || listed.stamp !== one.stamp
  const since = now - one.changedAt
  const safety = Math.min(maxSafeties * safetyMs, Math.max(safetyMs, since * pausePart))
  const isDue = now - one.readAt >= safety || one.seen?.pull.unknown === true
  if (isNews || isDue || one.seen === undefined)
    return { one, listed, what: 'all', isNews: isNews && one.missingSince === undefined }
  const isOpen = one.seen.checks.pending > 0 || since < eagerMs
  const rested = now - one.checkedAt >= Math.min(safetyMs, since * pausePart)
  return asked || (isOpen && rested) ? { one, listed, what: 'checks', isNews: false } : undefined
}

/** Which are read now, the most urgent first. Pure. */
export function pickVisits(visits: readonly Visit[], most = maxReads): Visit[] {
  const lastOf = ({ one }: Visit) => Math.max(one.readAt, one.checkedAt)
  return visits
    .toSorted((a, b) => Number(b.isNews) - Number(a.isNews) || lastOf(a) - lastOf(b))
    .slice(0, most)
}

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
  const visits: Visit[] = []
  for (const one of watched) {
    const pull = pulls.find(({ number }) => number === one.pull.number)
    const stamp = pull === undefined ? '' : stampOf(pull)
    if (pull !== undefined && stamp === one.stamp) one.shownAt = init.now
    const visit = visitOf(one, { stamp, isGone: pull === undefined && whole }, init)
    if (visit !== undefined) visits.push(visit)
  }
  for (const visit of pickVisits(visits)) {
    const { one } = visit
    try {
      await pay(reviews, visit, init, signal)
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

async function pay(
  reviews: ReviewCalls,
  { one, listed: { stamp }, what }: Visit,
  { repo, now }: ReadingInit,
  signal: AbortSignal,
): Promise<void> {
  const { number } = one.pull
  // One that cannot be read must not keep the others from being read.
  one.checkedAt = now
  if (what === 'checks' && one.seen !== undefined) {
    const { headOid } = one.seen.pull
    one.seen = { ...one.seen, checks: await reviews.checks(repo, headOid, signal) }
    return
  }
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
  one.shownAt = now
}
