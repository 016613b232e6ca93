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
  signatureOf,
  taskOf,
  type Context,
  type Held,
  type Job,
  type Outcome,
} from '../context.ts'
import { noteLost, patienceMs, patiently } from './fence.ts'
import { cancel, fail, release, stopped } from './give-up.ts'
import { noteRound, tellRound } from './end-round.ts'
import { openPull } from './pull.ts'
import { belowCheckpoints } from '../checkpoints/below.ts'
import { isDeleted, readBranch, refOf, tipOf } from '../checkpoints/branch.ts'
import { noteNamed, type NamedIntent } from '../feedback/follow-ups.ts'
import { openNamed } from '../feedback/open-named.ts'
import { foreignAssignees } from '../intake/intake.ts'
import type { Issue } from '../github/github.ts'
import type { ChangedWork } from '../needs.ts'
import { pullBody, pullTitle, takenAway } from '../texts.ts'

/** Rounds in which the remote takes the claim and not the branch, before the work counts as refused. */
const refusals = 3
/** Rounds after which a branch that is not where it was thought to be is waited for, too. */
const maxRounds = 5
/** Before an absence that one answer showed is believed, another is asked for, ms. */
const secondLookMs = 3_000
const looks = 3

export interface PublishInit {
  work: ChangedWork
  /** Tip of the work branch when the work began; null: there was none. */
  branchTip: string | null
  /** Of an earlier run, which wrote down what it found in the work. Absent: this is the first. */
  earlier?: { named?: NamedIntent }
}

export async function publish(
  context: Context,
  held: Held,
  init: PublishInit,
  signal: AbortSignal,
): Promise<Outcome> {
  const { job } = held
  const { refs } = job.place
  await refs.adopt(init.work.gitDir, init.work.head, signal)
  const moved = async (how: string) =>
    branchMoved(
      context,
      held,
      refused('BRANCH_MOVED', `The work branch ${branchOf(context, job)} ${how}.`, init.work),
      signal,
    )
  const { earlier } = init
  const named = earlier ? earlier.named : await noteNamed(context, job, init.work.summary, signal)
  const again = earlier !== undefined
  const afterwards = () => openNamed(context, job, named, { again, patient: true }, signal)
  const intent = { seq: 0 }
  let sentAt = 0
  let noted: string | undefined
  let refusedRounds = 0
  for (let round = 1; ; round += 1) {
    // A rule may forbid that commits disappear: then checkpoints stay, below the work.
    const fit = await fitOf(context, held, init, refusedRounds > 0)
    if (fit === undefined) return moved('holds commits that this work does not build on')
    if (fit.head !== noted) await noteFinished(context, held, fit)
    noted = fit.head
    held.publishing = true
    const other = await recheck(context, held, signal)
    if (other !== undefined) return other
    sentAt = context.clock.now()
    const sent = await send(context, held, fit, intent, signal)
    if (sent.is === 'published') break
    if (sent.is === 'lost') return 'lost'
    if (sent.is === 'moved') return moved('was changed by someone else while the work was done')
    if (sent.is === 'again' && round < maxRounds) continue
    if (sent.is === 'refused') refusedRounds += 1
    if (refusedRounds >= refusals) {
      return fail(
        context,
        held,
        refused('PUSH_REFUSED', `GitHub does not take the work branch: ${sent.why}`, init.work),
        signal,
      )
    }
    context.logger.warn(
      { event: 'publish.wait', ...taskOf(job), round, why: sent.why },
      'GitHub did not take the work yet; trying again',
    )
    await sleep(patienceMs, { signal, clock: context.clock })
  }
  // An earlier round may have arrived after all.
  const head = held.lease.tip(refOf(context, held)) ?? noted ?? init.work.head
  const about = { task: taskOf(job), attempt: job.attempt, branch: branchOf(context, job) }
  await context.journal.append({ type: 'pushed', ...about, base: job.base, head })
  if (job.round !== undefined) {
    const { summary, checks, executor } = init.work
    const end = { outcome: 'pushed' as const, head, summary, checks, executor }
    await tellRound(context, held, end, signal)
    await afterwards()
    await noteRound(context, held, end)
    return 'done'
  }
  const body = pullBody(job.issue, init.work, await signatureOf(context, held, intent.seq))
  // Held up for so long, by GitHub or by a stop of this process, that an heir may have been here.
  const mayBeThere = context.clock.now() - sentAt >= context.settings.leaseMs
  const title = pullTitle(job.issue)
  const pull = { branch: about.branch, head, title, body, mayBeThere, afterwards }
  return openPull(context, held, pull, signal)
}

interface Fit {
  /** What the branch holds; null: there is none. */
  tip: string | null
  head: string
  /** The tip is a checkpoint, which the work replaces. */
  force: boolean
}

/** Undefined when the work leaves out commits that are no checkpoints. `keep`: those stay, too. */
async function fitOf(
  context: Context,
  held: Held,
  { work: { head }, branchTip }: PublishInit,
  keep: boolean,
): Promise<Fit | undefined> {
  const { refs } = held.job.place
  const tip = tipOf(context, held, branchTip)
  if (tip === null || (await refs.isAncestor(tip, head))) return { tip, head, force: false }
  const { root } = await belowCheckpoints(refs, tip)
  if (root === tip || !(await refs.isAncestor(root, head))) return undefined
  return keep
    ? { tip, head: await refs.restack(head, tip), force: false }
    : { tip, head, force: true }
}

async function noteFinished(context: Context, { job }: Held, { head }: Fit): Promise<void> {
  const about = { task: taskOf(job), attempt: job.attempt, branch: branchOf(context, job) }
  await context.journal.append({ type: 'work.finished', ...about, base: job.base, head })
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

type Sent =
  | { is: 'published' }
  | { is: 'lost' }
  /** `again`: the branch is not where it was thought to be, but nobody else has moved it. */
  | { is: 'moved' | 'again' | 'refused' | 'away'; why: string }

/** One atomic push, and when it did not go through: why not. */
async function send(
  context: Context,
  held: Held,
  { tip, head, force }: Fit,
  intent: { seq: number },
  signal: AbortSignal,
): Promise<Sent> {
  const { job, lease } = held
  const branch = branchOf(context, job)
  const ref = refOf(context, held)
  const about = { task: taskOf(job), attempt: job.attempt, branch, base: job.base, head }
  const onPrepared = async (done: string) => {
    const entry = await context.journal.append({
      type: 'publish.intent',
      ...about,
      claim: lease.claim.oid,
      done,
    })
    intent.seq = entry.seq
  }
  const also = [{ ref, expected: tip, next: head, ...(force ? { force } : {}) }]
  const moved = await lease.close({ state: 'done', strikes: 0, also, onPrepared }, signal)
  if (moved.is === 'won') return { is: 'published' }
  if (moved.is === 'lost') {
    await noteLost(context, held, 'fenced at publication', moved.holder, signal)
    return { is: 'lost' }
  }
  const proof = await lease.prove(signal)
  if (proof.is === 'closed') return { is: 'published' }
  if (proof.is === 'lost') {
    await noteLost(context, held, 'fenced at publication', proof.holder, signal)
    return { is: 'lost' }
  }
  const why = explain(moved.error)
  if (proof.is === 'unknown') return { is: 'away', why }
  const known = tipOf(context, held, tip)
  if (known !== tip) return { is: 'again', why }
  const now = await readBranch(context, held, signal).catch(() => tip)
  if (now === tip || now === head) return { is: 'refused', why }
  return { is: (await isDeleted(held, { tip, now })) ? 'again' : 'moved', why }
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
  if (!mine(fresh)) return stopped(context, held, takenAway, signal)
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
