/**
 * Step 7: from a commit in a workspace to a pull request. In each round the issue is read again, then
 * one atomic push moves [claim ref: mine → done, work branch: seen → work]; then comes the pull
 * request, adopting one that exists for this work. The commit is taken over, and that and the
 * intention are on disk before anything is sent, so that a restart can go on from there.
 *
 * GitHub out of reach is waited for: finished work is not thrown away. A remote that takes the claim
 * but not the branch (a rule, a hook, a name that cannot be) has refused the work; that is final.
 */
import { explain, hasCode, sleep } from '../../util/index.ts'
import {
  branchOf,
  elapsed,
  short,
  signatureOf,
  taskOf,
  tell,
  type Context,
  type Held,
  type Job,
  type Outcome,
} from '../context.ts'
import { noteLost, patienceMs, patiently } from './fence.ts'
import { cancel, fail, release, stopped } from './give-up.ts'
import { noteRound, tellRound } from './end-round.ts'
import { foreignAssignees } from '../intake/intake.ts'
import type { Issue } from '../github/github.ts'
import type { ChangedWork } from '../needs.ts'
import { pullBody, pullTitle } from '../texts.ts'
import { openPull } from './open-pull.ts'

/** Rounds in which the remote takes the claim and not the branch, before the work counts as refused. */
const refusals = 3
/** Before an absence that one answer showed is believed, another is asked for, ms. */
const secondLookMs = 3_000
const looks = 3

export interface PublishInit {
  work: ChangedWork
  /** Tip of the work branch when the work began; null: there was none. */
  branchTip: string | null
}

export async function publish(
  context: Context,
  held: Held,
  init: PublishInit,
  signal: AbortSignal,
): Promise<Outcome> {
  const { job } = held
  const { work, branchTip } = init
  const { refs } = job.place
  await refs.adopt(work.gitDir, work.head, signal)
  if (branchTip !== null && !(await refs.isAncestor(branchTip, work.head))) {
    return branchMoved(
      context,
      held,
      refused(
        'BRANCH_MOVED',
        `The work branch ${branchOf(context, job)} holds commits that this work does not build on.`,
        work,
      ),
      signal,
    )
  }
  const finished = { branch: branchOf(context, job), base: job.base, head: work.head }
  await context.journal.append({
    type: 'work.finished',
    task: taskOf(job),
    attempt: job.attempt,
    ...finished,
  })
  held.publishing = true
  const intent = { seq: 0 }
  for (let round = 1, refusedRounds = 0; ; round += 1) {
    const other = await recheck(context, held, signal)
    if (other !== undefined) return other
    const sent = await send(context, held, init, intent, signal)
    if (sent.is === 'published') break
    if (sent.is === 'lost') return 'lost'
    if (sent.is === 'moved') {
      return branchMoved(
        context,
        held,
        refused(
          'BRANCH_MOVED',
          `The work branch ${branchOf(context, job)} was changed by someone else while the work was done.`,
          work,
        ),
        signal,
      )
    }
    if (sent.is === 'refused') refusedRounds += 1
    if (refusedRounds >= refusals) {
      return fail(
        context,
        held,
        refused('PUSH_REFUSED', `GitHub does not take the work branch: ${sent.why}`, work),
        signal,
      )
    }
    context.logger.warn(
      { event: 'publish.wait', ...taskOf(job), round, why: sent.why },
      'GitHub did not take the work yet; trying again',
    )
    await sleep(patienceMs, { signal, clock: context.clock })
  }
  const about = { task: taskOf(job), attempt: job.attempt, branch: branchOf(context, job) }
  await context.journal.append({ type: 'pushed', ...about, base: job.base, head: work.head })
  if (job.round !== undefined) {
    const { summary, checks, executor } = work
    const end = { outcome: 'pushed' as const, head: work.head, summary, checks, executor }
    await tellRound(context, held, end, signal)
    await noteRound(context, held, end)
    return 'done'
  }
  const body = pullBody(job.issue, work, await signatureOf(context, held, intent.seq))
  return openPull(
    context,
    held,
    { branch: about.branch, head: work.head, title: pullTitle(job.issue), body },
    signal,
  )
}

/** A round is made again on what stands there now; first work has nothing to go on from. */
function branchMoved(
  context: Context,
  held: Held,
  work: ReturnType<typeof refused>,
  signal: AbortSignal,
): Promise<Outcome> {
  if (held.job.round === undefined) return fail(context, held, work, signal)
  held.strikes += 1
  return release(context, held, work.reason, signal)
}

type Sent = { is: 'published' } | { is: 'lost' } | { is: 'moved' | 'refused' | 'away'; why: string }

/** One atomic push, and when it did not go through: why not. */
async function send(
  context: Context,
  held: Held,
  { work, branchTip }: PublishInit,
  intent: { seq: number },
  signal: AbortSignal,
): Promise<Sent> {
  const { job, lease } = held
  const branch = branchOf(context, job)
  const ref = `refs/heads/${branch}`
  const about = { task: taskOf(job), attempt: job.attempt, branch, base: job.base, head: work.head }
  const onPrepared = async (done: string) => {
    const entry = await context.journal.append({
      type: 'publish.intent',
      ...about,
      claim: lease.claim.oid,
      done,
    })
    intent.seq = entry.seq
  }
  const also = [{ ref, expected: branchTip, next: work.head }]
  const moved = await lease.close({ state: 'done', strikes: 0, also, onPrepared }, signal)
  if (moved.is === 'won') return { is: 'published' }
  if (moved.is === 'lost') {
    await noteLost(context, held, 'fenced at publication', moved.holder, signal)
    return { is: 'lost' }
  }
  const proof = await lease.prove(signal)
  if (proof.is === 'published') return proof
  if (proof.is === 'lost') {
    await noteLost(context, held, 'fenced at publication', proof.holder, signal)
    return { is: 'lost' }
  }
  const why = explain(moved.error)
  if (proof.is === 'unknown') return { is: 'away', why }
  const tip = (await job.place.refs.read(ref, signal).catch(() => branchTip ?? undefined)) ?? null
  return { is: tip === branchTip || tip === work.head ? 'refused' : 'moved', why }
}

function refused(code: string, reason: string, work: ChangedWork) {
  return {
    outcome: 'failed' as const,
    code,
    reason,
    tried: [`finished the work as ${work.head}`],
    checks: work.checks,
    executor: work.executor,
  }
}

/** Reads the issue once more; undefined when the publication may go on. */
async function recheck(
  context: Context,
  held: Held,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { job } = held
  const { rules } = job
  const mine = (issue: Issue) =>
    issue.assignees.some((login) => login.toLowerCase() === context.login.toLowerCase())
  const fresh = await look(context, job, (issue) => issue.open && mine(issue), signal)
  if (fresh === undefined) return cancel(context, held, 'the issue is gone', signal)
  if (!fresh.open) return cancel(context, held, 'the issue was closed', signal)
  if (!fresh.labels.some((label) => label.toLowerCase() === rules.trigger.toLowerCase())) {
    return cancel(context, held, `the label ${rules.trigger} was taken away`, signal)
  }
  const known = new Set([...rules.meshLogins, context.login.toLowerCase()])
  const foreign = foreignAssignees(fresh, known)
  if (foreign.length > 0)
    return release(context, held, `${foreign.join(', ')} took the issue`, signal, 'yielded')
  if (!mine(fresh)) return stopped(context, held, 'the assignment was taken away', signal)
  return recheckPull(context, held, signal)
}

/** Of a round: nothing is pushed for a pull request that was merged or closed meanwhile. */
async function recheckPull(
  context: Context,
  held: Held,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { job } = held
  const { reviews } = context
  if (job.round === undefined || reviews === undefined) return undefined
  const { number } = job.round.pull
  const pull = await patiently(context, job, signal, () =>
    reviews.pull(job.place.repo, number, signal),
  )
  if (pull.open) return undefined
  return cancel(context, held, `pull request #${number} is not open any more`, signal)
}

/** The issue; what one answer does not show is looked for again, since replicas lag. Undefined: it is gone. */
async function look(
  context: Context,
  job: Job,
  good: (issue: Issue) => boolean,
  signal: AbortSignal,
): Promise<Issue | undefined> {
  for (let turn = 1; ; turn += 1) {
    const seen = await patiently(context, job, signal, () =>
      context.github.issue(job.place.repo, job.issue.number, signal),
    ).catch((error: unknown) => {
      if (hasCode(error, 'GITHUB_NOT_FOUND')) return undefined
      throw error
    })
    if (turn === looks || (seen !== undefined && good(seen))) return seen
    await sleep(secondLookMs, { signal, clock: context.clock })
  }
}
