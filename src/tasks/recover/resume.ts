/**
 * Applies `recover.ts`: before a repository's first turn, and after an attempt whose fate was not
 * known. Each task is settled for itself: one that cannot be settled now is looked at again later
 * and holds up nothing.
 */
import { explain, withDeadline } from '../../util/index.ts'
import { markOf } from '../claim/record.ts'
import type { Tip } from '../claim/decide.ts'
import { short, stoppedLabel, type Context, type RepoContext } from '../context.ts'
import { aboutOf, deliver, has, publishAgain, wantedIssue } from './deliver.ts'
import { forsake, unassignSelf } from '../attempt/forsake.ts'
import { decideRecovery, type Recovery, type Unfinished } from './recover.ts'

export interface Resumed {
  /** OIDs of own claims that nothing of this process works on: intake may claim those issues anew. */
  left: Set<string>
  /** Something is not settled yet: look again. */
  again: boolean
}

/** Longest time for one task, ms: a turn must not wait for an outage to end. */
const settleMs = 60_000

export async function resumeRepository(
  context: Context,
  place: RepoContext,
  unfinished: readonly Unfinished[],
  signal: AbortSignal,
): Promise<Resumed> {
  const mine = unfinished.filter((task) => task.repo.toLowerCase() === place.repo.toLowerCase())
  const resumed: Resumed = { left: new Set(), again: false }
  if (mine.length === 0) return resumed
  const snapshot = await place.refs.snapshot(signal)
  for (const task of mine) {
    const about = { event: 'task.recover', repo: task.repo, issue: task.issue }
    try {
      const tip = await place.claims.decode(
        place.repo,
        task.issue,
        snapshot.get(String(task.issue)),
      )
      const decision = decideRecovery(task, tip, context.mesh.peerId)
      context.logger.info({ ...about, decision: decision.is }, 'found an attempt of an earlier run')
      const open = await withDeadline(
        'to settle a task',
        settleMs,
        (inner) => apply(context, place, { task, tip, decision }, inner),
        { signal, clock: context.clock },
      )
      if (!open) continue
      // What was read may be old, and intake may not come to it: until it is claimed, it is looked at again.
      resumed.again = true
      for (const oid of task.oids) resumed.left.add(oid)
      if (tip.is === 'record') resumed.left.add(tip.oid)
    } catch (error) {
      if (signal.aborted) throw error
      resumed.again = true
      context.logger.warn(
        { ...about, err: explain(error) },
        'an attempt of an earlier run cannot be settled now',
      )
    }
  }
  return resumed
}

interface Case {
  task: Unfinished
  tip: Tip
  decision: Recovery
}

/** True when the issue is open for a new attempt by this agent. */
async function apply(
  context: Context,
  place: RepoContext,
  { task, tip, decision }: Case,
  signal: AbortSignal,
): Promise<boolean> {
  const about = aboutOf(task)
  const { journal } = context
  switch (decision.is) {
    case 'resume':
      return resume(context, place, task, tip, signal)
    case 'deliver': {
      const issue = await wantedIssue(context, place, task, signal)
      const usable =
        issue !== undefined && tip.is === 'record' && (await place.refs.has(decision.work.head))
      if (!usable) return resume(context, place, task, tip, signal)
      await deliver(context, place, { task, tip, work: decision.work, issue }, signal)
      return false
    }
    case 'publish':
      await publishAgain(context, place, task, decision, signal)
      return false
    case 'lost': {
      if (task.won) await forsake(context, place, { issue: task.issue, oids: task.oids }, signal)
      const winner = decision.winner === undefined ? {} : { winner: decision.winner }
      await journal.append({
        type: 'claim.lost',
        ...about,
        reason: short(decision.reason),
        ...winner,
      })
      return false
    }
    case 'write':
      // What was left to do after the claim had ended, or what GitHub did not take before.
      await letGo(context, place, task, tip, signal)
      if (decision.entry === 'released')
        await journal.append({
          type: 'claim.released',
          ...about,
          state: 'released',
          reason: decision.reason,
        })
      else if (decision.entry === 'cancelled')
        await journal.append({ type: 'task.cancelled', ...about, reason: decision.reason })
      else
        await journal.append({
          type: 'task.failed',
          ...about,
          code: 'RECOVERED',
          reason: decision.reason,
          durationMs: 0,
        })
      return false
  }
}

/** Takes the own login off, unless the claim ref has moved on from what was read. */
async function letGo(
  context: Context,
  place: RepoContext,
  { issue }: Unfinished,
  tip: Tip,
  signal: AbortSignal,
): Promise<void> {
  const read = tip.is === 'absent' ? undefined : tip.oid
  const may = async () => (await place.refs.read(place.claims.refOf(issue), signal)) === read
  await unassignSelf(context, place, { issue, may }, signal)
}

/** Intake never looks at an issue that is closed, or marked as failed or stopped: its claim is closed here. */
async function resume(
  context: Context,
  place: RepoContext,
  task: Unfinished,
  tip: Tip,
  signal: AbortSignal,
): Promise<boolean> {
  const issue = await wantedIssue(context, place, task, signal)
  const failed = issue !== undefined && has(issue, context.settings.failed)
  const stopped = issue !== undefined && has(issue, stoppedLabel(context.settings))
  if (issue !== undefined && !failed && !stopped) return true
  const state = failed ? 'failed' : 'cancelled'
  await letGo(context, place, task, tip, signal)
  if (tip.is === 'record') {
    const { attempt, strikes } = tip.record
    const prepared = await place.claims.prepare({
      ...aboutOf(task).task,
      attempt,
      strikes,
      previous: tip.oid,
      state,
      ...markOf(tip.record),
    })
    const moved = await place.claims.move(prepared, [], signal)
    if (moved.is === 'unknown') throw moved.error
  }
  const about = aboutOf(task)
  if (failed)
    await context.journal.append({
      type: 'task.failed',
      ...about,
      code: 'RECOVERED',
      reason: 'failed before the restart',
      durationMs: 0,
    })
  else
    await context.journal.append({
      type: 'task.cancelled',
      ...about,
      reason: stopped ? 'stopped before the restart' : 'not wanted any more after a restart',
    })
  return false
}
