/**
 * The work ended for a reason that is not the task's: the model has no quota left, a day's budget is
 * used up, or this machine cannot do it now. That uses up no attempt. The issue goes back to whoever
 * can do it, or this agent keeps it and sleeps, when that is short and nobody else could take it.
 */
import { allowed, sleep } from '../../util/index.ts'
import { taskOf, type Context, type Held, type Job } from '../context.ts'
import { canTake } from '../intake/fitness.ts'
import { workOf } from '../intake/instructions.ts'
import type { FailedWork } from '../needs.ts'

/** Longest sleep with an issue in hand, ms: longer, and it is handed back. */
const longestSleepMs = 15 * 60_000
/** Sleeps in one attempt. */
const mostSleeps = 3
/** After the time that was named, so that not all who wait come at once, ms. */
const spreadMs = 5_000

export interface SetbackInput {
  code: string
  /** When it may go better, wall clock, ms. */
  retryAt?: number
  now: number
  /** Whether an agent that is here, free and able could take the issue. */
  others: boolean
  /** How often this attempt has slept. */
  sleeps: number
}

export type Setback =
  /** The task itself failed. */
  | { is: 'failure' }
  /** `struck`: it counts as one of the attempts in a row that ended without a result. */
  | { is: 'release'; struck: boolean }
  | { is: 'sleep'; ms: number }

/** What becomes of an issue whose work did not end with a change. Pure. */
export function afterFailure({ code, retryAt, now, others, sleeps }: SetbackInput): Setback {
  switch (code) {
    case 'QUOTA': {
      const ms = retryAt === undefined ? Infinity : Math.max(0, retryAt - now)
      if (others || ms > longestSleepMs || sleeps >= mostSleeps)
        return { is: 'release', struck: false }
      return { is: 'sleep', ms }
    }
    case 'BUDGET':
      return retryAt === undefined ? { is: 'failure' } : { is: 'release', struck: false }
    case 'NO_EXECUTOR':
    case 'ENVIRONMENT':
    case 'WORKSPACE':
      return { is: 'release', struck: false }
    case 'ABORTED':
      return { is: 'release', struck: true }
    default:
      return { is: 'failure' }
  }
}

export function setbackOf(context: Context, job: Job, work: FailedWork, sleeps: number): Setback {
  const { code, retryAt } = work
  const wanted = { repo: job.place.repo, needs: job.needs ?? [], work: workOf(job.instructions) }
  const others = context.mesh.candidates().some((candidate) => canTake(candidate, wanted))
  const later = retryAt === undefined ? {} : { retryAt }
  return afterFailure({ code, ...later, now: context.clock.now(), others, sleeps })
}

/** The lease is renewed meanwhile. Errors: those of the signal. */
export async function sleepOn(
  context: Context,
  held: Held,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger } = context
  logger.info(
    { event: 'task.sleep', ...taskOf(held.job), ms: Math.round(ms) },
    'waiting for the quota of the model, with the issue in hand',
  )
  await sleep(ms + Math.random() * spreadMs, { signal, clock })
  await allowed(held.lease.permit, signal)
}
