/** The pull request after a publication: opened, or the one that is there adopted; and what the journal says of it. */
import { hasCode } from '../../util/index.ts'
import { elapsed, short, taskOf, tell, type Context, type Job, type Outcome } from '../context.ts'
import type { Pull } from '../github/github.ts'
import { patiently } from './fence.ts'

export interface PullInit {
  branch: string
  head: string
  title: string
  body: string
  draft?: boolean
  /** Another agent may have opened it already: one is looked for first. Default false. */
  mayBeThere?: boolean
  /** Done once it is there, before the task is. */
  afterwards?: () => Promise<unknown>
}

/** Whether a pull request for the issue is to be opened as a draft. */
function isDraft({ settings }: Context, labels: readonly string[] = []): boolean {
  const { drafts = 'never', draftLabel } = settings.feedback ?? {}
  const wanted = draftLabel?.toLowerCase()
  return drafts !== 'never' || labels.some((label) => label.toLowerCase() === wanted)
}

/**
 * Opens the pull request or adopts the one for this work. Also the end of a recovery. Before another try
 * it is looked for: the one before may have arrived though its answer was lost, and a person may have
 * closed what it opened. That is a decision about the work, which is not laid before them again.
 */
export async function openPull(
  context: Context,
  held: { job: Job; startedAt: number },
  init: PullInit,
  signal: AbortSignal,
): Promise<Outcome> {
  const { job } = held
  const { repo, info } = job.place
  const { mayBeThere = false, afterwards, ...asked } = init
  const wanted = {
    draft: isDraft(context, job.issue.labels),
    ...asked,
    base: info.defaultBranch,
  }
  let look = mayBeThere
  const { pull, adopted } = await patiently(context, job, signal, async () => {
    const found = look
      ? await context.github.findPull(repo, init.branch, info.defaultBranch, signal)
      : undefined
    if (found !== undefined && isFor(found, init.head)) return { pull: found, adopted: true }
    look = true
    return openOrAdopt(context, repo, wanted, signal)
  })
  await notePull(context, held, {
    pull,
    adopted,
    head: init.head,
    ...(afterwards && { afterwards }),
  })
  return 'done'
}

export async function notePull(
  context: Context,
  held: { job: Job; startedAt: number },
  {
    pull,
    adopted,
    head,
    afterwards,
  }: Pick<PullInit, 'head' | 'afterwards'> & { pull: Pull; adopted: boolean },
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
  // A restart goes on from here: until the task is done, it is unfinished.
  await afterwards?.()
  await context.journal.append({
    type: 'task.done',
    ...about,
    pull: pull.number,
    durationMs: elapsed(context, held),
  })
  await tell(context, held.job, 'done')
  const { place, issue, attempt } = held.job
  const { number, url } = pull
  await context.opened?.({
    repo: place.repo,
    issue: issue.number,
    attempt,
    pull: { number, url },
  })
}

/** A 422 may mean that an earlier try was applied though its answer was lost: then that one is it. */
async function openOrAdopt(
  context: Context,
  repo: string,
  init: PullInit & { base: string },
  signal: AbortSignal,
): Promise<{ pull: Pull; adopted: boolean }> {
  const { branch, base, title, body, draft = false } = init
  try {
    const pull = { head: branch, base, title, body, ...(draft ? { draft } : {}) }
    return { pull: await context.github.openPull(repo, pull, signal), adopted: false }
  } catch (error) {
    if (!hasCode(error, 'GITHUB_REFUSED')) throw error
    const found = await context.github.findPull(repo, branch, base, signal)
    // A plan without drafts refuses them.
    if (found === undefined && draft)
      return openOrAdopt(context, repo, { ...init, draft: false }, signal)
    if (found !== undefined && isFor(found, init.head)) return { pull: found, adopted: true }
    // The default branch was renamed, or is another one by now.
    const now = await context.github.repository(repo, signal)
    if (now.defaultBranch === base) throw error
    return openOrAdopt(context, repo, { ...init, base: now.defaultBranch }, signal)
  }
}

/** An old, closed pull request of the same branch is not the one for this work. */
export const isFor = (pull: Pull, head: string) => pull.open || pull.headOid === head
