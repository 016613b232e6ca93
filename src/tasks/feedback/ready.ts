/** Drafts that become pull requests for review by themselves. */
import { explain, hasCode } from '../../util/index.ts'
import type { Parts } from './parts.ts'
import type { Watched } from './watched.ts'

/** How long a draft without checks waits for some to appear, ms. */
const noChecksMs = 2 * 60_000

const passing = ['GITHUB_UNREACHABLE', 'GITHUB_RATE_LIMITED', 'DEADLINE'] as const

/** A draft that waited for its checks. Where GitHub refuses, it is left as it is, and that is said once. */
export async function makeReady(
  { floor, place, memory, reviews }: Parts,
  one: Watched,
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  const { drafts, draftLabel = '' } = context.settings.feedback ?? {}
  const { seen, issue } = one
  if (drafts !== 'checks' || seen?.pull.draft !== true || one.staysDraft) return
  const labels = memory.issues.get(issue)?.issue.labels ?? []
  if (labels.some((label) => label.toLowerCase() === draftLabel.toLowerCase())) return
  const { total, pending, failed } = seen.checks
  const waited = context.clock.monotonic() - one.changedAt
  if (pending > 0 || failed.length > 0 || (total === 0 && waited < noChecksMs)) return
  const about = { task: { repo: place.repo, issue }, attempt: one.attempt, pull: one.pull.number }
  try {
    await reviews.ready(place.repo, seen.pull.nodeId, signal)
    one.readAt = -Infinity
    one.seen = { ...seen, pull: { ...seen.pull, draft: false } }
    await context.journal.append({ type: 'feedback.ready', ...about })
  } catch (error) {
    if (signal.aborted) throw error
    const told = { event: 'feedback.ready', ...about, err: explain(error) }
    if (passing.some((code) => hasCode(error, code))) {
      context.logger.info(told, 'the pull request is not ready yet; asked again at the next look')
      return
    }
    one.staysDraft = true
    context.logger.warn(told, 'the pull request could not be made ready and stays a draft')
  }
}
