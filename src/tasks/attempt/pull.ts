/** The pull request of published work: opened, or found to be there already. */
import { hasCode } from '../../util/index.ts'
import { elapsed, short, taskOf, tell, type Context, type Job, type Outcome } from '../context.ts'
import type { Pull } from '../github/github.ts'
import { patiently } from './fence.ts'

export interface PullInit {
  branch: string
  head: string
  title: string
  body: string
}

/** Opens the pull request or adopts the one for this work. Also the end of a recovery. */
export async function openPull(
  context: Context,
  held: { job: Job; startedAt: number },
  init: PullInit,
  signal: AbortSignal,
): Promise<Outcome> {
  const { job } = held
  const { repo, info } = job.place
  const { pull, adopted } = await patiently(context, job, signal, () =>
    openOrAdopt(context, repo, { ...init, base: info.defaultBranch }, signal),
  )
  await notePull(context, held, { pull, adopted, head: init.head })
  return 'done'
}

export async function notePull(
  context: Context,
  held: { job: Job; startedAt: number },
  { pull, adopted, head }: { pull: Pull; adopted: boolean; head: string },
): Promise<void> {
  const about = { task: taskOf(held.job), attempt: held.job.attempt }
  await context.journal.append({
    type: 'pull.opened',
    ...about,
    number: pull.number,
    url: short(pull.url),
    head,
    adopted,
  })
  await context.journal.append({
    type: 'task.done',
    ...about,
    pull: pull.number,
    durationMs: elapsed(context, held),
  })
  await tell(context, held.job, 'done')
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
    if (found === undefined || !isFor(found, init.head)) throw error
    return { pull: found, adopted: true }
  }
}

/** An old, closed pull request of the same branch is not the one for this work. */
export const isFor = (pull: Pull, head: string) => pull.open || pull.headOid === head
