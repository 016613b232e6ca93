/**
 * What a dry run tells of an issue in place of working it: every write in the order in which it would
 * be made. `plan` is pure; the gate (`outgoing.ts`) sees to it that nothing is written.
 */
import { RecentMap, type Logger } from '../../util/index.ts'
import { keyOf } from '../active.ts'
import { branchOf, type Context, type Job } from '../context.ts'
import { pullTitle } from '../texts.ts'

const MAX_REMEMBERED = 1_000

export interface Rehearsal {
  /** Tells the plan, once for each state of the issue. */
  begin(context: Context, job: Job): void
  /** Writes that would be made for an issue; empty when this agent would make none. */
  planned(repo: string, issue: number): readonly string[]
}

/** Sentences without secrets, for the log and for `bzzz task show`. */
export function plan(context: Pick<Context, 'settings' | 'login'>, job: Job): string[] {
  const { settings, login } = context
  const { number } = job.issue
  const claim = `${settings.refPrefix}${number}`
  const before =
    job.previous === null ? 'that does not exist yet' : `from ${job.previous.slice(0, 12)}`
  const claimed = [
    `push a claim (attempt ${job.attempt}) to ${claim} ${before}`,
    `assign ${login} to #${number}`,
    ...(job.earlier ?? []).map((other) => `take the assignment of ${other} off #${number}`),
  ]
  const failed = [
    `add the label ${settings.failed} to #${number}`,
    `write a comment on #${number} that says why and what was tried`,
    `take the assignment of ${login} off #${number}`,
    `push the claim's end (failed) to ${claim}`,
  ]
  if (job.refusal !== undefined) {
    return [...claimed, ...failed.map((line) => `${line}, since ${job.refusal?.reason}`)]
  }
  const branch = branchOf(context, job)
  return [
    ...claimed,
    `push renewals to ${claim} while it works, every ${Math.round(settings.leaseMs / 3_000)} s`,
    `when the work and its checks are good: push the claim's end (done) to ${claim} and the work to refs/heads/${branch}, at once`,
    `then: open a pull request "${pullTitle(job.issue)}" from ${branch} into ${job.place.info.defaultBranch}`,
    ...failed.map((line) => `when they are not: ${line}`),
  ]
}

export function createRehearsal(logger: Logger): Rehearsal {
  const plans = new RecentMap<string, { state: string; lines: readonly string[] }>(MAX_REMEMBERED)
  return {
    begin(context, job) {
      const { repo } = job.place
      const { number, updatedAt } = job.issue
      const key = keyOf(repo, number)
      const state = `${job.previous} ${updatedAt} ${job.refusal?.code}`
      if (plans.get(key)?.state === state) return
      const lines = plan(context, job)
      plans.set(key, { state, lines })
      for (const line of lines) {
        logger.info(
          { event: 'dry-run.plan', repo, issue: number },
          `dry run, #${number}: would ${line}`,
        )
      }
    },
    planned: (repo, issue) => plans.get(keyOf(repo, issue))?.lines ?? [],
  }
}
