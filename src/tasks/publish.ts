/**
 * Step 7: from a commit in a workspace to a pull request. Read the issue again; then one atomic
 * push of [claim ref: mine → done, work branch: seen → work]; then the pull request, adopting one
 * that exists. The intention is durable in the journal before the push, so that a restart knows
 * what it may find. An unreachable GitHub is waited for: finished work is not thrown away.
 */
import { explain, hasCode, sleep } from '../util/index.ts'
import {
  branchOf,
  close,
  elapsed,
  patienceMs,
  patiently,
  short,
  signatureOf,
  taskOf,
  tell,
  type Context,
  type Held,
  type Outcome,
} from './context.ts'
import { cancel, fail, release, stopped } from './give-up.ts'
import { foreignAssignees } from './intake.ts'
import type { Pull } from './github.ts'
import type { ChangedWork } from './needs.ts'
import { pullBody, pullTitle } from './texts.ts'

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
  const { work } = init
  const refused = await recheck(context, held, signal)
  if (refused !== undefined) return refused

  await job.place.refs.adopt(work.gitDir, work.head, signal)
  const branch = branchOf(context, job)
  const base = { task: taskOf(job), attempt: job.attempt, branch, base: job.base, head: work.head }
  let intent = 0
  const intend = async (done: string) => {
    const entry = await context.journal.append({
      type: 'publish.intent',
      ...base,
      claim: held.lease.claim.oid,
      done,
    })
    intent = entry.seq
    held.intents.add(done)
  }
  const update = { ref: `refs/heads/${branch}`, expected: init.branchTip, next: work.head }
  for (;;) {
    const moved = await close(held, 'done', [update], signal, intend)
    if (moved.is === 'won') break
    if (moved.is === 'lost' && moved.holder !== undefined && held.intents.has(moved.holder)) break
    if (moved.is === 'lost') {
      held.intents.clear()
      await context.journal.append({
        type: 'claim.lost',
        task: taskOf(job),
        attempt: job.attempt,
        reason: 'fenced at publication',
        ...winnerOf(moved.holder),
      })
      return 'lost'
    }
    const tip = await job.place.refs
      .read(update.ref, signal)
      .catch(() => init.branchTip ?? undefined)
    if ((tip ?? null) !== init.branchTip && tip !== work.head) {
      held.intents.clear()
      const reason = `The work branch ${branch} was changed by someone else while the work was done.`
      return fail(
        context,
        held,
        {
          outcome: 'failed',
          code: 'BRANCH_MOVED',
          reason,
          tried: [`finished the work as ${work.head}`],
          checks: work.checks,
          executor: work.executor,
        },
        signal,
      )
    }
    context.logger.warn(
      { event: 'publish.wait', ...taskOf(job), err: explain(moved.error) },
      'GitHub did not take the work yet; trying again',
    )
    await sleep(patienceMs, { signal, clock: context.clock })
  }
  await context.journal.append({ type: 'pushed', ...base })
  return openPull(
    context,
    held,
    {
      branch,
      head: work.head,
      title: pullTitle(job.issue),
      body: pullBody(job.issue, work, signatureOf(context, job, intent)),
    },
    signal,
  )
}

export interface PullInit {
  branch: string
  head: string
  title: string
  body: string
}

/** Opens the pull request or adopts the one that is there. Also the end of a recovery. */
export async function openPull(
  context: Context,
  held: Pick<Held, 'job' | 'startedAt'>,
  init: PullInit,
  signal: AbortSignal,
): Promise<Outcome> {
  const { job } = held
  const { repo, info } = job.place
  const { pull, adopted } = await patiently(context, job, signal, () =>
    openOrAdopt(context, repo, { ...init, base: info.defaultBranch }, signal),
  )
  const task = taskOf(job)
  const { attempt } = job
  await context.journal.append({
    type: 'pull.opened',
    task,
    attempt,
    number: pull.number,
    url: short(pull.url),
    head: init.head,
    adopted,
  })
  await context.journal.append({
    type: 'task.done',
    task,
    attempt,
    pull: pull.number,
    durationMs: elapsed(context, held),
  })
  await job.place.refs.drop(init.head)
  await tell(context, job, 'done')
  return 'done'
}

/** A 422 may mean that an earlier try was applied though its answer was lost: then that one is it. */
async function openOrAdopt(
  context: Context,
  repo: string,
  init: PullInit & { base: string },
  signal: AbortSignal,
): Promise<{ pull: Pull; adopted: boolean }> {
  const { branch, base, title, body } = init
  try {
    return {
      pull: await context.github.openPull(repo, { head: branch, base, title, body }, signal),
      adopted: false,
    }
  } catch (error) {
    if (!hasCode(error, 'GITHUB_REFUSED')) throw error
    const found = await context.github.findPull(repo, branch, base, signal)
    if (found === undefined) throw error
    return { pull: found, adopted: true }
  }
}

/** Reads the issue once more; undefined when the publication may go on. */
async function recheck(
  context: Context,
  held: Held,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { job } = held
  const fresh = await patiently(context, job, signal, () =>
    context.github.issue(job.place.repo, job.issue.number, signal),
  )
  const { rules } = job
  if (!fresh.open) return cancel(context, held, 'the issue was closed', signal)
  if (!fresh.labels.some((label) => label.toLowerCase() === rules.trigger.toLowerCase())) {
    return cancel(context, held, `the label ${rules.trigger} was taken away`, signal)
  }
  const foreign = foreignAssignees(fresh, rules.meshLogins)
  if (foreign.length > 0)
    return release(context, held, `${foreign.join(', ')} took the issue`, signal, 'yielded')
  if (!fresh.assignees.some((login) => login.toLowerCase() === context.login.toLowerCase())) {
    return stopped(context, held, 'the assignment was taken away', signal)
  }
  return undefined
}

export const winnerOf = (holder: string | undefined) =>
  holder === undefined ? {} : { winner: holder }
