/**
 * The ways in which a task ends without a pull request: failed (the work was tried in vain),
 * released (somebody else may go on), cancelled (nobody wants it any more), yielded (a person took
 * the issue). Each begins with the fence. What people see is written before the claim ref ends, so
 * that no other agent takes the issue in between; a crash in between is found by `recover/recover.ts`. The
 * journal says what the ref says, never what was only tried.
 */
import { explain } from '../../util/index.ts'
import { readBranch, refOf } from '../checkpoints/branch.ts'
import {
  branchOf,
  elapsed,
  short,
  signatureOf,
  stoppedLabel,
  taskOf,
  tell,
  type Context,
  type Held,
  type Outcome,
} from '../context.ts'
import { commentOnce } from './comment-once.ts'
import { endRound } from './end-round.ts'
import { closeClaim, fence, patiently } from './fence.ts'
import type { FailedWork } from '../needs.ts'
import { failureComment, stoppedComment } from '../texts.ts'

export async function fail(
  context: Context,
  held: Held,
  work: FailedWork,
  signal: AbortSignal,
): Promise<Outcome> {
  const { job } = held
  if (job.round !== undefined)
    return endRound(context, held, { ...work, outcome: 'failed' }, signal)
  if (!(await fence(context, held, signal))) return 'lost'
  const label = context.settings.failed
  const where = { label, ...(await keptAt(context, held, signal)) }
  const body = failureComment(work, await signatureOf(context, held), where)
  await mark(context, held, { label, body }, signal)
  await unassignSelf(context, held, signal)
  if (!(await closeClaim(context, held, 'failed', signal))) return 'lost'
  await context.journal.append({
    type: 'task.failed',
    task: taskOf(job),
    attempt: job.attempt,
    code: work.code,
    reason: short(work.reason, 3_900),
    durationMs: elapsed(context, held),
  })
  await tell(context, job, 'failed')
  return 'failed'
}

/** `yielded`: to a person; else anybody may go on. */
export async function release(
  context: Context,
  held: Held,
  reason: string,
  signal: AbortSignal,
  state: 'released' | 'yielded' = 'released',
): Promise<Outcome> {
  const { job } = held
  if (!(await fence(context, held, signal))) return 'lost'
  await unassignSelf(context, held, signal)
  if (!(await closeClaim(context, held, state, signal))) return 'lost'
  const { oid } = held.lease.claim
  await context.journal.append({
    type: 'claim.released',
    task: taskOf(job),
    attempt: job.attempt,
    oid,
    state,
    reason: short(reason, 3_900),
  })
  await tell(context, job, 'released', oid)
  return 'released'
}

/** The issue was closed, deleted, or its label taken away: end quietly. */
export async function cancel(
  context: Context,
  held: Held,
  reason: string,
  signal: AbortSignal,
): Promise<Outcome> {
  if (held.job.round !== undefined)
    return endRound(context, held, { outcome: 'stopped', reason, quietly: true }, signal)
  if (!(await fence(context, held, signal))) return 'lost'
  await unassignSelf(context, held, signal)
  return finishCancelled(context, held, reason, signal)
}

/**
 * A person took our assignment away, or commanded it in a comment: a label keeps all agents from it, and a
 * comment says who stopped it, what is kept, and how it goes on.
 */
export async function stopped(
  context: Context,
  held: Held,
  reason: string,
  signal: AbortSignal,
): Promise<Outcome> {
  if (held.job.round !== undefined)
    return endRound(context, held, { outcome: 'stopped', reason, stopped: true }, signal)
  if (!(await fence(context, held, signal))) return 'lost'
  const label = stoppedLabel(context.settings)
  const where = { label, ...(await keptAt(context, held, signal)) }
  const body = stoppedComment(reason, await signatureOf(context, held), where)
  await mark(context, held, { label, body }, signal)
  await unassignSelf(context, held, signal)
  return finishCancelled(context, held, reason, signal)
}

async function finishCancelled(
  context: Context,
  held: Held,
  reason: string,
  signal: AbortSignal,
): Promise<Outcome> {
  if (!(await closeClaim(context, held, 'cancelled', signal))) return 'lost'
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

/** The label, which must arrive, and a comment, which arrives at most once. */
async function mark(
  context: Context,
  held: Held,
  { label, body }: { label: string; body: string },
  signal: AbortSignal,
): Promise<void> {
  const { job } = held
  const { repo } = job.place
  const { number } = job.issue
  await patiently(context, job, signal, () => context.github.addLabel(repo, number, label, signal))
  await commentOnce(context, job, { number, body }, signal)
}

/** The branch that a further attempt goes on from, where there is one. A chore begins anew. */
async function keptAt(
  context: Context,
  held: Held,
  signal: AbortSignal,
): Promise<{ branch?: string }> {
  const { job, lease } = held
  if (job.instructions.chore !== undefined) return {}
  const tip =
    lease.tip(refOf(context, held)) ??
    (await readBranch(context, held, signal).catch((error: unknown) => {
      if (signal.aborted) throw error
      // What to say is no reason to wait for git.
      return null
    }))
  return tip === null ? {} : { branch: branchOf(context, job) }
}

/** Best effort: a login that stays is taken away by whoever claims next. */
export async function unassignSelf(
  context: Context,
  { job }: Held,
  signal: AbortSignal,
): Promise<void> {
  await context.github
    .unassign(job.place.repo, job.issue.number, context.login, signal)
    .catch((error: unknown) => {
      context.logger.warn(
        { event: 'task.unassign', ...taskOf(job), err: explain(error) },
        'the own assignment could not be removed',
      )
    })
}
