/**
 * One attempt at one issue: claim it (steps 2 to 5), do the work, then publish or give up.
 *
 * The steps stand here in the order in which they happen; each writes its journal entry before the
 * next begins, so a restart knows how far the attempt came (see `recover/recover.ts`).
 */
import { allowed, explain, hasCode, whileAllowed } from '../../util/index.ts'
import {
  branchOf,
  short,
  taskOf,
  tell,
  type Context,
  type Held,
  type Job,
  type Outcome,
} from '../context.ts'
import { cancel, fail, release, stopped } from './give-up.ts'
import { createLease } from './lease.ts'
import { assign } from './assign.ts'
import { readBranch } from '../checkpoints/branch.ts'
import { createAsking } from '../asking/asking.ts'
import { workWithHelp } from '../asking/with-help.ts'
import { handOn } from './hand-over.ts'
import { tidy } from './tidy.ts'
import type { WorkOutcome } from '../needs.ts'
import { publish } from './publish.ts'
import { setbackOf, sleepOn } from './setback.ts'
import { noteLost } from './fence.ts'
import { graceAfter, handBackMs, untilCancelled } from './stopping.ts'
import { isPassing } from '../errors.ts'
import type { Claim } from '../claim/claims.ts'
import type { Mark } from '../claim/record.ts'
import { beginRound, publishRound, workRound } from '../feedback/round.ts'

/** Why the work of an attempt is stopped from outside. */
export type Stop =
  | { why: 'shutdown' }
  | { why: 'cancelled' | 'unassigned'; reason: string }
  /** A person asked for it in a comment. */
  | { why: 'stop' | 'release'; reason: string; command: number }

export interface AttemptSignals {
  /** The agent stops: hand the work back. */
  stopping: AbortSignal
  /** The issue is not wanted any more; `reason` is a `Stop`. */
  cancelled: AbortSignal
  /** Told of the attempt once its claim is won. */
  onHeld?: (held: Held) => void
}

export async function attempt(
  context: Context,
  job: Job,
  signals: AttemptSignals,
): Promise<Outcome> {
  const claimed = await claim(context, job, signals.stopping)
  if (typeof claimed === 'string') return claimed
  return hold(context, job, claimed, signals)
}

/** Each record of a claim says at which round it is, and who asked for it. */
const markOfJob = ({ round, command }: Job): Mark => ({
  ...(round === undefined
    ? {}
    : { round: round.number, feedback: round.items.map(({ key }) => key) }),
  ...(command === undefined ? {} : { command }),
})

/** Steps 2 to 4. */
async function claim(context: Context, job: Job, signal: AbortSignal): Promise<Claim | Outcome> {
  const task = taskOf(job)
  const { claims } = job.place
  const prepared = await claims.prepare({
    ...task,
    attempt: job.attempt,
    strikes: job.strikes,
    previous: job.previous,
    state: 'held',
    ...markOfJob(job),
  })
  await context.journal.append({
    type: 'claim.tried',
    task,
    attempt: job.attempt,
    oid: prepared.oid,
    ...(job.previous === null ? {} : { previous: job.previous }),
  })
  const moved = await claims.move(prepared, [], signal)
  if (moved.is === 'won') {
    await context.journal.append({
      type: 'claim.won',
      task,
      attempt: job.attempt,
      oid: prepared.oid,
      title: short(job.issue.title),
      branch: branchOf(context, job),
      leaseMs: context.settings.leaseMs,
    })
    return moved.claim
  }
  const reason =
    moved.is === 'lost' ? 'another agent was first' : `unknown: ${explain(moved.error)}`
  await context.journal.append({
    type: 'claim.lost',
    task,
    attempt: job.attempt,
    oid: prepared.oid,
    reason: short(reason),
    ...(moved.is === 'lost' && moved.holder !== undefined ? { winner: moved.holder } : {}),
  })
  context.logger.info(
    { event: 'claim.lost', ...task, reason },
    'the claim was not won; looking for another task',
  )
  await tell(context, job, 'lost')
  return moved.is
}

/** From a won claim to the end. Also entered by a recovery, with a claim that was won anew. */
export async function hold(
  context: Context,
  job: Job,
  claimed: Claim,
  signals: AttemptSignals,
): Promise<Outcome> {
  const { logger, clock } = context
  const task = taskOf(job)
  const lease = createLease(claimed, {
    claims: job.place.claims,
    logger,
    clock,
    freezes: context.work.freezes === true,
    onRenewed: async ({ oid }) => {
      await context.journal.append({
        type: 'claim.renewed',
        task,
        attempt: job.attempt,
        oid,
        leaseMs: context.settings.leaseMs,
      })
    },
  })
  const ending = new AbortController()
  const end = (event: Event) => ending.abort((event.target as AbortSignal).reason)
  const watched = [signals.stopping, lease.lost]
  for (const signal of watched) {
    if (signal.aborted) ending.abort(signal.reason)
    signal.addEventListener('abort', end, { once: true })
  }
  const held: Held = {
    job,
    lease,
    startedAt: clock.monotonic(),
    strikes: job.strikes,
    publishing: false,
    signal: ending.signal,
    handOn: () => ending.abort({ why: 'handed' }),
  }
  const asking = createAsking(context, held)
  if (asking !== undefined) held.asking = asking
  signals.onHeld?.(held)
  // What has been done is not dropped because the agent stops: the end of an attempt gets its own time.
  const grace = graceAfter(signals.stopping, clock)
  let result: WorkOutcome | undefined
  let outcome: Outcome = 'unknown'
  try {
    await lease.start()
    await tell(context, job, 'claimed', claimed.oid)
    outcome = await carryOut(context, held, signals, {
      ending,
      grace: grace.signal,
      onResult: (work) => (result = work),
    })
  } catch (error) {
    outcome = await endBadly(context, held, signals, error, grace.signal).catch((second: unknown) =>
      abandoned(context, job, second),
    )
  } finally {
    grace.clear()
    for (const signal of watched) signal.removeEventListener('abort', end)
    await lease.stop()
    await tidy(context, job, result, outcome)
  }
  return outcome
}

interface Course {
  /** Aborts the work: the agent stops, the claim is lost, the issue is not wanted any more. */
  ending: AbortController
  /** For the steps after the work: fires some time after the agent was asked to stop. */
  grace: AbortSignal
  onResult: (result: WorkOutcome) => void
}

async function carryOut(
  context: Context,
  held: Held,
  signals: AttemptSignals,
  { ending, grace, onResult }: Course,
): Promise<Outcome> {
  const { job } = held
  const { permit } = held.lease
  if (job.handOn !== undefined) return release(context, held, job.handOn, grace)
  const refused = await whileAllowed(permit, ending.signal, (signal) =>
    assign(context, held, signal),
  )
  if (refused !== undefined) return refused
  if (job.refusal !== undefined)
    return fail(context, held, { outcome: 'failed', checks: [], ...job.refusal }, grace)
  for (let sleeps = 0; ;) {
    const branchTip = await readBranch(context, held, ending.signal)
    await allowed(permit, ending.signal)
    const begun = await beginRound(context, held, branchTip, ending.signal)
    const start = begun?.start ?? branchTip
    const result = await untilCancelled(signals.cancelled, ending, () =>
      workWithHelp(context, held, {
        start,
        onResult,
        work: (run) => workRound(begun, run),
      }),
    )
    if (ending.signal.aborted || signals.cancelled.aborted)
      return stoppedFromOutside(context, held, signals, grace)
    if (result === 'again') continue
    if (begun !== undefined && result.outcome === 'changed')
      return publishRound(context, held, { work: result, begun }, grace)
    if (result.outcome === 'changed')
      return publish(context, held, { work: result, branchTip }, grace)
    const next = setbackOf(context, job, result, sleeps)
    if (next.is === 'failure') return fail(context, held, result, grace)
    if (next.is === 'release') {
      if (next.struck) held.strikes += 1
      return release(context, held, result.reason, grace)
    }
    await result.dispose()
    sleeps += 1
    await untilCancelled(signals.cancelled, ending, () =>
      sleepOn(context, held, next.ms, ending.signal),
    )
  }
}

/** An error that no step expected: hand the issue back, unless publication has begun. */
async function endBadly(
  context: Context,
  held: Held,
  signals: AttemptSignals,
  error: unknown,
  grace: AbortSignal,
): Promise<Outcome> {
  if (held.publishing || hasCode(error, 'CLAIM_UNKNOWN')) return abandoned(context, held.job, error)
  if (held.signal.aborted) return stoppedFromOutside(context, held, signals, grace)
  context.logger.warn(
    { event: 'task.error', ...taskOf(held.job), err: explain(error) },
    'the attempt ended with an error; handing the issue back',
  )
  if (!isPassing(error)) held.strikes += 1
  return release(context, held, explain(error), AbortSignal.timeout(handBackMs))
}

async function stoppedFromOutside(
  context: Context,
  held: Held,
  signals: AttemptSignals,
  limit: AbortSignal,
): Promise<Outcome> {
  const { lease } = held
  if (lease.lost.aborted) {
    const { data } = lease.lost.reason as { data?: { holder?: string } }
    await noteLost(context, held, explain(lease.lost.reason), data?.holder, limit)
    return 'lost'
  }
  if (signals.cancelled.aborted && !signals.stopping.aborted) {
    const stop = signals.cancelled.reason as Stop
    if (stop.why === 'stop' || stop.why === 'release') {
      held.command = stop.command
      const end = stop.why === 'stop' ? stopped : release
      return end(context, held, stop.reason, limit)
    }
    if (stop.why === 'unassigned') return stopped(context, held, stop.reason, limit)
    return cancel(context, held, stop.why === 'cancelled' ? stop.reason : 'the agent stops', limit)
  }
  if (held.handTo !== undefined && !signals.stopping.aborted)
    return handOn(context, held, held.handTo, limit)
  return release(context, held, 'the agent stops', limit)
}

/** Nothing more can be done here; the journal and the ref let a restart or another agent go on. */
function abandoned(context: Context, job: Job, error: unknown): Outcome {
  const level = hasCode(error, 'ABORTED') ? 'info' : 'error'
  context.logger[level](
    { event: 'task.abandoned', ...taskOf(job), err: explain(error) },
    'the issue could not be handed back; its lease runs out',
  )
  return 'unknown'
}
