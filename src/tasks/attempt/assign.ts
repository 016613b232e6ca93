/**
 * Step 5: only the holder assigns itself, and looks at what GitHub made of it. GitHub drops a login
 * that it cannot assign in silence, and a person may have come first: the answer is what counts.
 */
import { explain, hasCode } from '../../util/index.ts'
import { taskOf, type Context, type Held, type Outcome } from '../context.ts'
import { cancel, release } from './give-up.ts'
import { eligible, foreignAssignees } from '../intake/intake.ts'

/** Undefined: the issue is assigned to this agent and nobody else, and is still wanted. */
export async function assign(
  context: Context,
  held: Held,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { job } = held
  const { rules, place } = job
  const { number } = job.issue
  const is = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
  const after = await context.github
    .assign(place.repo, number, context.login, signal)
    .catch((error: unknown) => {
      if (hasCode(error, 'GITHUB_FORBIDDEN')) return undefined
      throw error
    })
  if (after !== undefined) context.saw?.(place.repo, after)
  const mine = after?.assignees.some((login) => is(login, context.login)) === true
  const known = new Set([...rules.meshLogins, context.login.toLowerCase()])
  const verdict = after === undefined ? undefined : eligible(after, { ...rules, meshLogins: known })
  const foreign = after === undefined ? [] : foreignAssignees(after, known)
  if (foreign.length > 0)
    return release(context, held, `${foreign.join(', ')} took the issue`, signal, 'yielded')
  if (verdict?.is === 'skip') return cancel(context, held, `the issue is ${verdict.reason}`, signal)
  if (!mine) {
    const outcome = await release(
      context,
      held,
      `${context.login} cannot be assigned in ${place.repo}`,
      signal,
    )
    return outcome === 'released' ? 'barred' : outcome
  }
  for (const login of (job.earlier ?? []).filter((one) => !is(one, context.login))) {
    if (!after?.assignees.some((one) => is(one, login))) continue
    await context.github.unassign(place.repo, number, login, signal).catch((error: unknown) => {
      context.logger.warn(
        { event: 'task.unassign', ...taskOf(job), err: explain(error) },
        'the assignment of an earlier holder could not be removed',
      )
    })
  }
  return undefined
}
