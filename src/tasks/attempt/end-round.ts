/**
 * The end of a round of feedback that publishes nothing new, or did so a moment ago. It always ends in
 * a `done` record: the pull request is as it was, or better, and belongs to who made the round. What
 * was asked for in it is not worked again. People see a comment before the claim ends.
 */
import {
  short,
  signatureOf,
  stoppedLabel,
  taskOf,
  tell,
  type Context,
  type Held,
  type Job,
  type Outcome,
} from '../context.ts'
import { roundComment, type RoundText } from '../feedback/texts.ts'
import type { CheckResult } from '../needs.ts'
import { claimLine } from '../texts.ts'
import { commentOnce } from './comment-once.ts'
import { closeClaim, fence, patiently } from './fence.ts'

export interface RoundEnd {
  outcome: RoundText['outcome']
  /** The commit that was pushed. */
  head?: string
  reason?: string
  tried?: readonly string[]
  checks?: readonly CheckResult[]
  summary?: string
  executor?: string
  /** Nothing is said on the pull request. */
  quietly?: boolean
  /** A person ended it: nothing follows by itself, whatever the number of the round. */
  stopped?: boolean
  /** Nothing follows by itself, whatever the number of the round. */
  last?: boolean
  /** A process before this one may have said it. */
  again?: boolean
}

/** A claim that has ended, or goes on. */
export interface Ending {
  job: Job
  lease: { claim: { oid: string } }
}

/** Closes the claim. Throws `CLAIM_UNKNOWN`. */
export async function endRound(
  context: Context,
  held: Held,
  end: RoundEnd,
  signal: AbortSignal,
): Promise<Outcome> {
  if (!(await fence(context, held, signal))) return 'lost'
  await tellRound(context, held, end, signal)
  if (!(await closeClaim(context, held, 'done', signal))) return 'lost'
  await noteRound(context, held, end)
  return 'done'
}

/** Whether a comment is about this round under this claim. */
const isOfRound = (said: string, { job, lease }: Ending) =>
  said.startsWith(`**Bzzz, round ${job.round?.number} `) &&
  said.trimEnd().endsWith(claimLine(lease.claim.oid))

/** What people see of it. */
export async function tellRound(
  context: Context,
  held: Ending,
  end: RoundEnd,
  signal: AbortSignal,
): Promise<void> {
  const { job } = held
  const { round } = job
  const feedback = context.settings.feedback
  if (round === undefined || feedback === undefined || end.quietly === true) return
  const isLast = isHalt(job, end)
  const label = end.stopped === true ? stoppedLabel(context.settings) : feedback.needsHuman
  const { number } = round.pull
  const text = {
    round: round.number,
    maxRounds: round.of,
    items: round.items,
    outcome: end.outcome,
    ...(end.head === undefined ? {} : { head: end.head }),
    reason: end.reason ?? '',
    tried: end.tried ?? [],
    checks: end.checks ?? [],
    summary: end.summary ?? '',
    ...(end.executor === undefined ? {} : { executor: end.executor }),
    label,
    last: isLast,
  }
  if (isLast)
    await patiently(context, job, signal, () =>
      context.github.addLabel(job.place.repo, number, label, signal),
    )
  const body = roundComment(text, await signatureOf(context, held))
  const alike = end.again === true ? (said: string) => isOfRound(said, held) : undefined
  await commentOnce(context, job, { number, body, ...(alike && { alike }) }, signal)
}

/** Nothing follows by itself. */
const isHalt = (job: Job, end: RoundEnd) =>
  end.quietly !== true &&
  end.outcome !== 'pushed' &&
  (end.stopped === true || end.last === true || job.round?.last === true)

export async function noteRound(
  context: Context,
  { job, command = job.command }: Pick<Held, 'job' | 'command'>,
  end: RoundEnd,
): Promise<void> {
  const { round } = job
  if (round === undefined) return
  const about = { task: taskOf(job), attempt: job.attempt }
  await context.journal.append({
    type: 'feedback.ended',
    ...about,
    pull: round.pull.number,
    round: round.number,
    outcome: end.outcome,
    ...(end.head === undefined ? {} : { head: end.head }),
    reason: short(end.reason ?? '', 3_900),
  })
  if (isHalt(job, end))
    await context.journal.append({
      type: 'feedback.exhausted',
      ...about,
      pull: round.pull.number,
      rounds: round.number,
      reason: short(end.reason ?? `the last round: ${end.outcome}`, 3_900),
      ...(command === undefined ? {} : { command }),
    })
  await tell(context, job, 'done')
}
