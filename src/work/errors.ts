/**
 * Coded errors of this room. Inside it, what goes wrong is thrown as a `WorkError`; `run` turns
 * every one into a `Failed`, so that only `readPolicy`, `answer` and the start let one out.
 */
import { CodedError } from '../util/index.ts'
import type { WorkFailureCode } from './terms.ts'

type OtherCode =
  | 'WORKFLOW_INVALID'
  | 'PERMISSIONS_INVALID'
  | 'EXECUTOR_INVALID'
  | 'QUESTION_UNKNOWN'
  /** What an executor asks does not fit (data: field). */
  | 'HELP_WANTED_INVALID'
export type WorkErrorCode = WorkFailureCode | OtherCode

const others: ReadonlySet<string> = new Set<OtherCode>([
  'WORKFLOW_INVALID',
  'PERMISSIONS_INVALID',
  'EXECUTOR_INVALID',
  'QUESTION_UNKNOWN',
  'HELP_WANTED_INVALID',
])

/**
 * `WORKFLOW_INVALID` and `PERMISSIONS_INVALID` carry data {file, line, column, path} of the first problem, and all
 * of them as `problems`; `EXECUTOR_INVALID` {name, path}.
 */
export class WorkError extends CodedError<WorkErrorCode> {}

/** The code of a failure of a task; undefined for every other error. */
export function failureCode(error: unknown): WorkFailureCode | undefined {
  if (!(error instanceof WorkError) || others.has(error.code)) return undefined
  return error.code as WorkFailureCode
}
