/**
 * A round within an attempt: what it starts from, and what becomes of its work. Between the two an
 * executor works as at any issue; the same fence, the same atomic push, the same branch.
 */
import { explain } from '../../util/index.ts'
import { branchOf, taskOf, type Context, type Held, type Outcome } from '../context.ts'
import { endRound } from '../attempt/end-round.ts'
import { publish } from '../attempt/publish.ts'
import type { ChangedWork } from '../needs.ts'
import { conflictItem, mergeBase, type Merged } from './merge.ts'

export interface Begun {
  /** Tip of the work branch. */
  branchTip: string | null
  /** Commit that the executor starts from. */
  start: string | null
  merged?: Merged
}

/** Undefined when the attempt is no round. Says in the journal what it is about. */
export async function beginRound(
  context: Context,
  { job }: Held,
  branchTip: string | null,
  signal: AbortSignal,
): Promise<Begun | undefined> {
  const { round, place, base } = job
  if (round === undefined) return undefined
  await context.journal.append({
    type: 'feedback.round',
    task: taskOf(job),
    attempt: job.attempt,
    pull: round.pull.number,
    round: round.number,
    keys: round.items.map(({ key }) => key),
  })
  const conflict = round.items.find(({ kind }) => kind === 'conflict')
  if (conflict === undefined || branchTip === null) return { branchTip, start: branchTip }
  const message = `Merge ${place.info.defaultBranch} into ${branchOf(context, job)}\n`
  const merged = await mergeBase(place, { branch: branchTip, base, message }, signal).catch(
    (error: unknown) => {
      context.logger.warn(
        { event: 'feedback.merge', ...taskOf(job), err: explain(error) },
        'the base could not be merged into the work branch here',
      )
      return undefined
    },
  )
  if (merged === undefined) return { branchTip, start: branchTip }
  conflict.text = conflictItem(place.info.defaultBranch, merged).text
  return { branchTip, start: merged.start, merged }
}

/** The work ended well: what is new is published, what is not ends the round. */
export async function publishRound(
  context: Context,
  held: Held,
  { work, begun }: { work: ChangedWork; begun: Begun },
  signal: AbortSignal,
): Promise<Outcome> {
  const { refs } = held.job.place
  const { branchTip, merged } = begun
  const { checks, executor, summary } = work
  const told = { checks, executor, summary }
  if (merged === undefined) {
    if (work.head === branchTip)
      return endRound(context, held, { outcome: 'unchanged', ...told }, signal)
    return publish(context, held, { work, branchTip }, signal)
  }
  await refs.adopt(work.gitDir, work.head, signal)
  const left = await refs.withMarkers(work.head, merged.conflicts, signal)
  if (left.length > 0) {
    const reason = `Markers of conflicts are left in ${left.slice(0, 10).join(', ')}.`
    return endRound(context, held, { outcome: 'failed', reason, ...told }, signal)
  }
  const message = `Merge ${held.job.place.info.defaultBranch} into ${branchOf(context, held.job)}\n`
  const commit = { tree: work.head, parents: merged.parents, message }
  const head = await refs.commitTree(commit, signal)
  // It is in the store already, but for a push it is taken over like any other.
  return publish(context, held, { work: { ...work, gitDir: refs.gitDir, head }, branchTip }, signal)
}
