/**
 * A round within an attempt: what it starts from, and what becomes of its work. Between the two an
 * executor works as at any issue; the same fence, the same atomic push, the same branch.
 */
import { explain } from '../../util/index.ts'
import { branchOf, taskOf, type Context, type Held, type Outcome } from '../context.ts'
import { endRound } from '../attempt/end-round.ts'
import { publish } from '../attempt/publish.ts'
import type { ChangedWork, WorkOutcome } from '../needs.ts'
import type { Item } from './items.ts'
import { conflictItem, failedItem, mergeBase, type Merged } from './merge.ts'

export interface Begun {
  /** Tip of the work branch. */
  branchTip: string | null
  /** Commit that the executor starts from. */
  start: string | null
  merged?: Merged
  /** Of a conflict that is none any more, and is all that the round is about: only checks are left to run. */
  clean?: Item
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
  const isClean = merged.conflicts.length === 0 && round.items.length === 1
  return { branchTip, start: merged.start, merged, ...(isClean ? { clean: conflict } : {}) }
}

/**
 * The work of an attempt. A base that merges cleanly needs no executor, unless the checks fail with it: what
 * they say goes to the executor then.
 */
export async function workRound(
  begun: Begun | undefined,
  run: (only?: 'checks') => Promise<WorkOutcome>,
): Promise<WorkOutcome> {
  const conflict = begun?.clean
  if (conflict === undefined) return run()
  const result = await run('checks')
  if (result.outcome === 'changed' || result.code !== 'CHECKS_FAILED') return result
  await result.dispose()
  conflict.text = failedItem(conflict, result).text
  return run()
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
