/** What an attempt leaves behind here when it has ended: nothing that nobody needs. */
import { explain } from '../../util/index.ts'
import { taskOf, type Context, type Job, type Outcome } from '../context.ts'
import type { WorkOutcome } from '../needs.ts'

/** The adopted commit is kept only where a later look may need it. */
export async function tidy(
  context: Context,
  job: Job,
  result: WorkOutcome | undefined,
  outcome: Outcome,
): Promise<void> {
  if (outcome === 'done' || outcome === 'failed') context.help?.completed(taskOf(job))
  const steps: Promise<unknown>[] = [result?.dispose() ?? Promise.resolve()]
  if (result?.outcome === 'changed' && outcome !== 'unknown')
    steps.push(job.place.refs.drop(result.head))
  for (const { reason } of (await Promise.allSettled(steps)).filter(
    (one) => one.status === 'rejected',
  )) {
    context.logger.warn(
      { event: 'task.tidy', ...taskOf(job), err: explain(reason) },
      'something of the attempt could not be removed',
    )
  }
}
