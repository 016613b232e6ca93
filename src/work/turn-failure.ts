/** A turn that its executor did not finish, as an error of the run. Pure. */
import { WorkError } from './errors.ts'
import type { TurnResult } from './executor.ts'
import type { WorkFailureCode } from './terms.ts'

/** `what`: "executor codex" or "chore headers". */
export function turnFailure(result: TurnResult, what: string): WorkError {
  const codes: Record<Exclude<TurnResult['outcome'], 'done'>, WorkFailureCode> = {
    failed: 'EXECUTOR_FAILED',
    timeout: 'EXECUTOR_TIMEOUT',
    idle: 'EXECUTOR_TIMEOUT',
    flood: 'EXECUTOR_FLOOD',
    limit: 'EXECUTOR_LIMIT',
    aborted: 'ABORTED',
    quota: 'QUOTA',
    environment: 'ENVIRONMENT',
    budget: 'BUDGET',
    unsuited: 'NO_EXECUTOR',
    stuck: 'STUCK',
  }
  const code = result.outcome === 'done' ? 'EXECUTOR_FAILED' : codes[result.outcome]
  const { retryAt } = result
  const data = retryAt === undefined ? {} : { retryAt }
  return new WorkError(code, `${what[0]?.toUpperCase()}${what.slice(1)}: ${result.reason}`, {
    data,
  })
}
