/**
 * Waiting for GitHub, and the fence before anything visible. A holder that was cut off or asleep
 * must not label, comment or unassign an issue that somebody else holds by now: it proves its claim
 * by a renewal first, and touches nothing when the proof fails.
 */
import { explain, hasCode, sleep } from '../../util/index.ts'
import { short, taskOf, type Context, type Held, type Job } from '../context.ts'
import { TasksError } from '../errors.ts'
import { forsake } from './forsake.ts'
import type { Closing } from './lease.ts'

/** Pause between tries while GitHub does not answer, ms. */
export const patienceMs = 15_000

const temporary = [
  'GITHUB_UNREACHABLE',
  'GITHUB_RATE_LIMITED',
  'GITHUB_UNAUTHORIZED',
  'GITHUB_FORBIDDEN',
  'GITHUB_ANSWER',
]

/**
 * Tries again for as long as GitHub is out of reach, its limit is used up, or it refuses the token:
 * finished work is kept until the signal fires. What is final (404, 410, 422) goes on as an error.
 * `waitsFor`: codes of errors. Default: those.
 */
export async function patiently<T>(
  context: Context,
  job: Job,
  signal: AbortSignal,
  step: () => Promise<T>,
  waitsFor: readonly string[] = temporary,
): Promise<T> {
  for (;;) {
    try {
      return await step()
    } catch (error) {
      if (!waitsFor.some((code) => hasCode(error, code))) throw error
      context.logger.warn(
        { event: 'github.wait', ...taskOf(job), err: explain(error) },
        'GitHub does not take it yet; trying again',
      )
      await sleep(pauseOf(context, error), { signal, clock: context.clock })
    }
  }
}

function pauseOf({ clock }: Context, error: unknown): number {
  const reset = error instanceof TasksError ? Number(error.data['resetAtMs']) : NaN
  return Number.isFinite(reset)
    ? Math.min(15 * 60_000, Math.max(patienceMs, reset - clock.now()))
    : patienceMs
}

/**
 * `true`: the claim is ours at this moment. `false`: it is another's, and that is in the journal.
 * Throws `CLAIM_UNKNOWN` when it cannot be told within the time of the signal, and when the claim
 * turns out to be closed already: a later look settles it.
 */
export async function fence(context: Context, held: Held, signal: AbortSignal): Promise<boolean> {
  const proof = await held.lease.prove(signal)
  if (proof.is === 'held') return true
  if (proof.is === 'lost') {
    await noteLost(context, held, 'another record is there', proof.holder, signal)
    return false
  }
  if (proof.is === 'closed') throw unknown('it was closed already')
  throw unknown(explain(proof.error))
}

/** Closes the claim. `false`: it was another's, and that is in the journal. Throws `CLAIM_UNKNOWN`. */
export async function closeClaim(
  context: Context,
  held: Held,
  state: Closing['state'],
  signal: AbortSignal,
): Promise<boolean> {
  const { strikes, command } = held
  const asked = command === undefined ? {} : { command }
  const moved = await held.lease.close({ state, strikes, ...asked }, signal)
  if (moved.is === 'won' && moved.claim.record.state === state) return true
  if (moved.is === 'won') throw unknown(`the claim ref says ${moved.claim.record.state}`)
  if (moved.is === 'unknown') throw unknown(explain(moved.error))
  await noteLost(context, held, `fenced when it was to become ${state}`, moved.holder, signal)
  return false
}

/** Throws `CLAIM_UNKNOWN` when an own assignment that nobody else can know of could not be removed. */
export async function noteLost(
  context: Context,
  { job, lease }: Held,
  reason: string,
  holder: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const mine = { issue: job.issue.number, oids: lease.sent() }
  await forsake(context, job.place, mine, signal)
  const winner = holder === undefined ? {} : { winner: holder }
  await context.journal.append({
    type: 'claim.lost',
    task: taskOf(job),
    attempt: job.attempt,
    reason: short(reason),
    ...winner,
  })
}

function unknown(why: string): TasksError {
  return new TasksError('CLAIM_UNKNOWN', `What became of the claim is not known: ${why}.`)
}
