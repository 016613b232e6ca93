/**
 * The ways in which a task ends without a pull request: failed (the work was tried in vain),
 * released (somebody else may go on), cancelled (nobody wants it any more), yielded (a person took
 * the issue). What people see is written before the claim ref ends, so that no other agent takes
 * the issue in between; a crash in between leaves a lease that runs out.
 */
import { explain } from '../util/index.ts'
import {
  close,
  elapsed,
  patiently,
  short,
  signatureOf,
  taskOf,
  tell,
  type Context,
  type Held,
  type Outcome,
} from './context.ts'
import type { ClaimState } from './claim/record.ts'
import type { FailedWork } from './needs.ts'
import { failureComment, stoppedComment } from './texts.ts'

export async function fail(
  context: Context,
  held: Held,
  work: FailedWork,
  signal: AbortSignal,
): Promise<Outcome> {
  const { job } = held
  const { number } = job.issue
  const { repo } = job.place
  const comment = failureComment(work, signatureOf(context, job), context.settings.failed)
  await patiently(context, job, signal, () =>
    context.github.addLabel(repo, number, context.settings.failed, signal),
  )
  await patiently(context, job, signal, () => context.github.comment(repo, number, comment, signal))
  await attemptUnassign(context, held, signal)
  await context.journal.append({
    type: 'task.failed',
    task: taskOf(job),
    attempt: job.attempt,
    code: work.code,
    reason: short(work.reason, 3_900),
    durationMs: elapsed(context, held),
  })
  await end(context, held, 'failed', signal)
  await tell(context, job, 'failed')
  return 'failed'
}

/** `backOff` is the caller's: a released task is not taken up again at once by the agent that let it go. */
export async function release(
  context: Context,
  held: Held,
  reason: string,
  signal: AbortSignal,
  state: ClaimState = 'released',
): Promise<Outcome> {
  const { job } = held
  await attemptUnassign(context, held, signal)
  const oid = await end(context, held, state, signal)
  await context.journal.append({
    type: 'claim.released',
    task: taskOf(job),
    attempt: job.attempt,
    ...(oid === undefined ? {} : { oid }),
    state,
    reason: short(reason, 3_900),
  })
  await tell(context, job, 'released', oid)
  return 'released'
}

/** The issue was closed or its label taken away: end quietly. */
export async function cancel(
  context: Context,
  held: Held,
  reason: string,
  signal: AbortSignal,
): Promise<Outcome> {
  await attemptUnassign(context, held, signal)
  return finishCancelled(context, held, reason, signal)
}

/** A person took our assignment away: say that we stopped, and how to have it tried again. */
export async function stopped(
  context: Context,
  held: Held,
  reason: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const { job } = held
  const { failed } = context.settings
  const { repo } = job.place
  const comment = stoppedComment(reason, signatureOf(context, job), failed)
  await patiently(context, job, signal, () =>
    context.github.addLabel(repo, job.issue.number, failed, signal),
  )
  await patiently(context, job, signal, () =>
    context.github.comment(repo, job.issue.number, comment, signal),
  )
  return finishCancelled(context, held, reason, signal)
}

async function finishCancelled(
  context: Context,
  held: Held,
  reason: string,
  signal: AbortSignal,
): Promise<Outcome> {
  await end(context, held, 'cancelled', signal)
  const { job } = held
  await context.journal.append({
    type: 'task.cancelled',
    task: taskOf(job),
    attempt: job.attempt,
    reason: short(reason, 3_900),
  })
  await tell(context, job, 'released')
  return 'cancelled'
}

async function attemptUnassign(context: Context, held: Held, signal: AbortSignal): Promise<void> {
  const { job } = held
  await context.github
    .unassign(job.place.repo, job.issue.number, context.login, signal)
    .catch((error: unknown) => {
      context.logger.warn(
        { event: 'task.unassign', ...taskOf(job), err: explain(error) },
        'the own assignment could not be removed',
      )
    })
}

/** OID of the closing record; undefined when the ref is not ours any more or could not be moved. */
async function end(
  context: Context,
  held: Held,
  state: ClaimState,
  signal: AbortSignal,
): Promise<string | undefined> {
  const moved = await close(held, state, [], signal)
  if (moved.is === 'won') return moved.claim.oid
  const why = moved.is === 'lost' ? 'another record is there' : explain(moved.error)
  context.logger.warn(
    { event: 'claim.end', ...taskOf(held.job), state, why },
    'the claim ref could not be closed; its lease runs out',
  )
  return undefined
}
