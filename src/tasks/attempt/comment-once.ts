/** A comment is not idempotent: before another try, the forge is asked whether it arrived. */
import { explain, hasCode, sleep } from '../../util/index.ts'
import { taskOf, type Context, type Job } from '../context.ts'

/** Tries of a comment whose answer was lost. */
const commentTries = 3
const commentPauseMs = 5_000

/**
 * `number`: of the issue or pull request. `alike`: knows one that a process before this one wrote; it is
 * looked for first. What could not be written after a few tries is only logged.
 */
export async function commentOnce(
  context: Context,
  job: Job,
  {
    number,
    body: given,
    alike,
  }: { number: number; body: string; alike?: (said: string) => boolean },
  signal: AbortSignal,
): Promise<void> {
  const { repo } = job.place
  // As GitHub will show it.
  const body = given.toWellFormed()
  const since = new Date(context.clock.now() - 24 * 60 * 60_000).toISOString()
  for (let turn = 1; ; turn += 1) {
    try {
      if (
        (turn > 1 || alike !== undefined) &&
        (await context.github.comments(repo, number, since, signal)).some(
          (comment) => comment.body === body || alike?.(comment.body) === true,
        )
      )
        return
      await context.github.comment(repo, number, body, signal)
      return
    } catch (error) {
      if (hasCode(error, 'ABORTED')) throw error
      context.logger.warn(
        { event: 'task.comment', ...taskOf(job), err: explain(error) },
        'the comment could not be written',
      )
      if (turn === commentTries) return
      await sleep(commentPauseMs, { signal, clock: context.clock })
    }
  }
}
