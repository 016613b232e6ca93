/**
 * One attempt at one issue: claim it (steps 2 to 5), do the work, then publish or give up.
 *
 * The steps stand here in the order in which they happen; each writes its journal entry before the
 * next begins, so a restart knows how far the attempt came (see `recover.ts`).
 */
import { explain, hasCode, type Clock } from '../util/index.ts'
import {
  branchOf,
  short,
  taskOf,
  tell,
  type Context,
  type Held,
  type Job,
  type Outcome,
} from './context.ts'
import { cancel, fail, release } from './give-up.ts'
import { foreignAssignees } from './intake.ts'
import { createLease } from './lease.ts'
import { execute } from './execute.ts'
import type { WorkOutcome } from './needs.ts'
import { publish, winnerOf } from './publish.ts'
import type { Claim } from './claim/claims.ts'

/** Why the work of an attempt is stopped from outside. */
export type Stop = { why: 'shutdown' } | { why: 'cancelled'; reason: string }

export interface AttemptSignals {
  /** The agent stops: hand the work back. */
  stopping: AbortSignal
  /** The issue is not wanted any more; `reason` is a `Stop`. */
  cancelled: AbortSignal
}

/** Time that handing work back may take once the agent stops, ms. */
const handBackMs = 15_000

/** Failures that say nothing about the task: another agent, or a later turn, may do better. */
const environmental: ReadonlySet<string> = new Set(['NO_EXECUTOR', 'WORKSPACE', 'ABORTED'])

export async function attempt(
  context: Context,
  job: Job,
  signals: AttemptSignals,
): Promise<Outcome> {
  const claimed = await claim(context, job, signals.stopping)
  if (typeof claimed === 'string') return claimed
  return hold(context, job, claimed, signals)
}

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
    ...(moved.is === 'lost' ? winnerOf(moved.holder) : {}),
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
    intents: new Set(),
    signal: ending.signal,
  }
  let result: WorkOutcome | undefined
  try {
    await lease.start()
    await tell(context, job, 'claimed', claimed.oid)
    const refused = await assign(context, held, ending.signal)
    if (refused !== undefined) return refused
    if (job.refusal !== undefined) {
      return await fail(
        context,
        held,
        { outcome: 'failed', checks: [], ...job.refusal },
        ending.signal,
      )
    }
    const branch = branchOf(context, job)
    const tips = await job.place.refs.fetchBranches([branch], ending.signal)
    const branchTip = tips.get(branch) ?? null
    result = await untilCancelled(signals.cancelled, ending, () => execute(context, held))
    if (ending.signal.aborted) return await stoppedFromOutside(context, held, signals)
    if (result.outcome === 'changed') {
      // Finished work is not dropped because the agent stops: publishing gets the time of the hand-back.
      const grace = graceAfter(signals.stopping, clock)
      try {
        return await publish(context, held, { work: result, branchTip }, grace.signal)
      } finally {
        grace.clear()
      }
    }
    if (environmental.has(result.code)) {
      held.strikes += 1
      return await release(context, held, result.reason, ending.signal)
    }
    return await fail(context, held, result, ending.signal)
  } catch (error) {
    if (held.intents.size > 0) return abandoned(context, job, error)
    if (!ending.signal.aborted) {
      logger.warn(
        { event: 'task.error', ...task, err: explain(error) },
        'the attempt ended with an error; handing the issue back',
      )
      held.strikes += 1
      return await release(context, held, explain(error), AbortSignal.timeout(handBackMs)).catch(
        (second: unknown) => abandoned(context, job, second),
      )
    }
    return await stoppedFromOutside(context, held, signals).catch((second: unknown) =>
      abandoned(context, job, second),
    )
  } finally {
    for (const signal of watched) signal.removeEventListener('abort', end)
    await lease.stop()
    await result
      ?.dispose()
      .catch((error: unknown) =>
        logger.warn(
          { event: 'task.dispose', err: explain(error) },
          'the workspace could not be removed',
        ),
      )
  }
}

/** Step 5: only the holder assigns itself, and looks at what GitHub made of it. */
async function assign(
  context: Context,
  held: Held,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { job } = held
  const { repo } = job.place
  const { rules } = job
  const mine = (login: string) => login.toLowerCase() === context.login.toLowerCase()
  const after = await context.github.assign(repo, job.issue.number, context.login, signal)
  if (!after.open) return cancel(context, held, 'the issue was closed', signal)
  const foreign = foreignAssignees(after, rules.meshLogins)
  if (foreign.length > 0)
    return release(context, held, `${foreign.join(', ')} took the issue`, signal, 'yielded')
  if (!after.assignees.some(mine)) {
    context.logger.error(
      { event: 'claim.assign', repo, login: context.login },
      'GitHub does not let this login be assigned: give it write access to the repository',
    )
    return release(context, held, `${context.login} cannot be assigned in ${repo}`, signal)
  }
  for (const login of after.assignees.filter((other) => !mine(other))) {
    await context.github.unassign(repo, job.issue.number, login, signal)
  }
  return undefined
}

async function stoppedFromOutside(
  context: Context,
  held: Held,
  signals: AttemptSignals,
): Promise<Outcome> {
  const { job, lease } = held
  const limit = AbortSignal.timeout(handBackMs)
  if (lease.lost.aborted) {
    const { data } = lease.lost.reason as { data?: { holder?: string } }
    await context.journal.append({
      type: 'claim.lost',
      task: taskOf(job),
      attempt: job.attempt,
      reason: short(explain(lease.lost.reason)),
      ...winnerOf(data?.holder),
    })
    return 'lost'
  }
  if (signals.cancelled.aborted && !signals.stopping.aborted) {
    const stop = signals.cancelled.reason as Stop
    return cancel(context, held, stop.why === 'cancelled' ? stop.reason : 'the agent stops', limit)
  }
  return release(context, held, 'the agent stops', limit)
}

/** A cancellation counts while the work runs; before and after, the steps look at the issue themselves. */
async function untilCancelled<T>(
  cancelled: AbortSignal,
  ending: AbortController,
  step: () => Promise<T>,
): Promise<T> {
  const end = () => ending.abort(cancelled.reason)
  if (cancelled.aborted) end()
  cancelled.addEventListener('abort', end, { once: true })
  try {
    return await step()
  } finally {
    cancelled.removeEventListener('abort', end)
  }
}

/** A signal that fires `handBackMs` after the other one. */
function graceAfter(signal: AbortSignal, clock: Clock): { signal: AbortSignal; clear: () => void } {
  const late = new AbortController()
  let cancel: () => void = () => undefined
  const arm = () => {
    cancel = clock.after(handBackMs, () => late.abort(signal.reason))
  }
  if (signal.aborted) arm()
  else signal.addEventListener('abort', arm, { once: true })
  return {
    signal: late.signal,
    clear: () => {
      signal.removeEventListener('abort', arm)
      cancel()
    },
  }
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
