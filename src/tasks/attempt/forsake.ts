/**
 * The assignment of a holder whose claim is gone. As a rule it is left alone: whoever claims next finds
 * the login in the chain of records and takes it off. When somebody deleted, rewound or overwrote the
 * claim ref, the chain does not name it any more; then everybody else must take it for a person's and
 * leaves the issue alone, so only the holder itself can take it off.
 */
import { CommonError, explain, hasCode } from '../../util/index.ts'
import type { Context, RepoContext } from '../context.ts'
import { TasksError } from '../errors.ts'

/** Records in which the own one is looked for: more than follow it before its holder notices. */
const maxChain = 100

/**
 * `oids`: records of ours, of a claim that is known to be lost. Takes the own login off the issue unless the chain holds one of them, or
 * its newest record names the same login. Throws `CLAIM_UNKNOWN` when that cannot be done now: it
 * must be tried again.
 */
export async function forsake(
  context: Context,
  place: RepoContext,
  { issue, oids }: { issue: number; oids: ReadonlySet<string> },
  signal: AbortSignal,
): Promise<void> {
  const may = () => isForgotten(context, place, issue, oids, signal)
  try {
    if (await may()) await unassignSelf(context, place, { issue, may }, signal)
  } catch (error) {
    const why = `${context.login} may still be assigned to #${issue} without a claim`
    throw new TasksError('CLAIM_UNKNOWN', `${why}: ${explain(error)}`, { cause: error })
  }
}

async function isForgotten(
  { login }: Context,
  { refs, claims, repo }: RepoContext,
  issue: number,
  oids: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<boolean> {
  const name = String(issue)
  const raw = (await refs.snapshot(signal, new Set([name]))).get(name)
  if (raw === undefined) return true
  const tip = await claims.decode(repo, issue, raw)
  if (tip.is === 'record' && tip.record.state === 'held' && oids.has(tip.oid))
    throw new CommonError('INVALID', 'An old state of the claim ref was read.')
  const chain = await refs.history(name, maxChain)
  if (chain.some(({ oid }) => oids.has(oid))) return false
  return tip.is !== 'record' || tip.record.login.toLowerCase() !== login.toLowerCase()
}

/**
 * Takes the own login off, if it is there; an issue that is gone has none. `may` is asked at the last
 * moment: another agent of the same login may have claimed the issue since, and would take the loss of
 * its assignment for a person's word. Throws when it says no: what is true is to be read again.
 */
export async function unassignSelf(
  { github, login, logger }: Context,
  { repo }: RepoContext,
  { issue, may }: { issue: number; may: () => Promise<boolean> },
  signal: AbortSignal,
): Promise<void> {
  const found = await github.issue(repo, issue, signal).catch((error: unknown) => {
    if (hasCode(error, 'GITHUB_NOT_FOUND')) return undefined
    throw error
  })
  if (!found?.assignees.some((one) => one.toLowerCase() === login.toLowerCase())) return
  if (!(await may())) throw new CommonError('INVALID', 'The claim has gone on meanwhile.')
  await github.unassign(repo, issue, login, signal)
  logger.warn(
    { event: 'task.forsake', repo, issue },
    'an own assignment without a claim was removed',
  )
}
