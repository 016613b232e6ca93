/** How every call's outcome reaches the outage and the headroom, and what people see of both. */
import { hasCode, explain } from '../../util/index.ts'
import type { ClaimRepository } from '../claim/repository-types.ts'
import { TasksError } from '../errors.ts'
import type { Answered } from './answers.ts'
import type { Headroom } from './headroom.ts'
import type { Outage } from './outage.ts'

/** `slow`: a limit is near, so looks are rarer or nothing new is taken. Times are wall clock, ms. */
export type Reachable =
  | { is: 'ok' }
  | { is: 'slow'; reason: string; takesWork: boolean; untilMs: number | null }
  | { is: 'down'; sinceMs: number; reason: string }

/** Observes each answer, or its absence. */
export function observed(outage: Outage, headroom: Headroom): (answer: Answered) => void {
  return ({ method, error, limit, brakeUntilMs, dateMs, graphql = false }) => {
    headroom.answered({
      method,
      graphql,
      ...(limit === undefined ? {} : { limit }),
      ...(brakeUntilMs === undefined ? {} : { brakeUntilMs }),
      ...(dateMs === undefined ? {} : { dateMs }),
    })
    if (hasCode(error, 'ABORTED')) return
    // REST is asked instead, and tells how things are.
    if (error !== undefined && method === 'QUERY') return
    if (error instanceof TasksError && error.data['points'] === true) return
    const isAway = hasCode(error, 'GITHUB_UNREACHABLE') || hasCode(error, 'GITHUB_RATE_LIMITED')
    if (!isAway) return outage.answered('api')
    const reset = error instanceof TasksError ? Number(error.data['resetAtMs']) : NaN
    outage.failed('api', explain(error), Number.isFinite(reset) ? reset : undefined)
  }
}

/** The same refs; what its reads meet is told to the outage. */
export function reachOf(refs: ClaimRepository, repo: string, outage: Outage): ClaimRepository {
  const source = `git ${repo}` as const
  async function watch<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
    try {
      const answer = await read()
      outage.answered(source)
      return answer
    } catch (error) {
      // What lags has answered.
      if (!signal.aborted && !hasCode(error, 'CLAIM_STALE')) outage.failed(source, explain(error))
      throw error
    }
  }
  return {
    ...refs,
    snapshot: (signal, names) => watch(signal, () => refs.snapshot(signal, names)),
    read: (ref, signal) => watch(signal, () => refs.read(ref, signal)),
    fetchBranches: (branches, signal, witness) =>
      watch(signal, () => refs.fetchBranches(branches, signal, witness)),
  }
}

export function reachableOf(outage: Outage, headroom: Headroom): Reachable {
  const down = outage.down()
  if (down !== null) return { is: 'down', sinceMs: down.since, reason: down.reason }
  const [intake, discovery] = [headroom.allow('intake'), headroom.allow('discovery')]
  if (intake.is === 'wait')
    return { is: 'slow', reason: intake.reason, takesWork: false, untilMs: intake.untilMs }
  if (discovery.is === 'wait' || discovery.stretch > 1)
    return { is: 'slow', reason: 'the limit is near', takesWork: true, untilMs: null }
  return { is: 'ok' }
}
