/**
 * What outlives an attempt: claims that nothing of this process works on any more, attempts whose
 * fate is not known, and pauses before an issue or a repository is tried again.
 */
import { RecentMap, type Clock } from '../../util/index.ts'
import { keyOf } from '../active.ts'
import type { Context, Job, Outcome, RepoContext } from '../context.ts'
import { createPauses } from '../pauses.ts'
import { findUnfinished } from './recover.ts'
import { resumeRepository } from './resume.ts'

export interface Settling {
  /** An attempt ended. */
  ended(job: Job, outcome: Outcome): void
  /** The unfinished attempts of a repository are to be looked at in its next turn. */
  due(repo: string): void
  /** Holds what the journal says was begun against the claim refs, when that is due. */
  settleIfDue(
    context: Context,
    place: RepoContext,
    running: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<void>
  /** Monotonic ms before which the issue is left alone. */
  notBefore(repo: string, issue: number): number
  /** This agent cannot be assigned there, for now. */
  isBarred(repo: string): boolean
  abandoned(oid: string, previous: string | null): boolean
}

/** Pause before this agent takes up again what it handed back, ms; doubles each time. */
const backOffMs = 30_000
/** The same for a repository in which it cannot be assigned. */
const barredMs = 5 * 60_000
/** Before what could not be settled is looked at again, ms. */
const settleAgainMs = 60_000

/** `limit`: issues and claims of which something is remembered; the oldest go first. */
export function createSettling(limit: number, clock: Clock): Settling {
  const pauses = createPauses(backOffMs, limit, clock)
  const barred = createPauses(barredMs, limit, clock)
  /** OIDs of claims of a former run, or of unknown fate. */
  const leftBehind = new RecentMap<string, true>(limit)
  /** Repository to the time (monotonic ms) from which its unfinished attempts are to be looked at. */
  const unsettled = new Map<string, number>()
  return {
    ended(job, outcome) {
      const { repo } = job.place
      const key = keyOf(repo, job.issue.number)
      if (outcome === 'unknown') unsettled.set(repo, clock.monotonic())
      if (outcome === 'barred') barred.extend(repo)
      if (outcome === 'released' || outcome === 'unknown') pauses.extend(key)
      else pauses.clear(key)
    },
    due: (repo) => void unsettled.set(repo, clock.monotonic()),
    async settleIfDue(context, place, running, signal) {
      if ((unsettled.get(place.repo) ?? Infinity) > clock.monotonic()) return
      unsettled.delete(place.repo)
      try {
        const begun = await findUnfinished(context.journal, context.mesh.peerId)
        const idle = begun.filter((task) => !running.has(keyOf(task.repo, task.issue)))
        const { left, again } = await resumeRepository(context, place, idle, signal)
        for (const oid of left) leftBehind.set(oid, true)
        if (again) unsettled.set(place.repo, clock.monotonic() + settleAgainMs)
      } catch (error) {
        unsettled.set(place.repo, clock.monotonic())
        throw error
      }
    },
    notBefore: (repo, issue) => pauses.until(keyOf(repo, issue)),
    isBarred: (repo) => barred.until(repo) > clock.monotonic(),
    abandoned: (oid, previous) =>
      leftBehind.has(oid) || (previous !== null && leftBehind.has(previous)),
  }
}
