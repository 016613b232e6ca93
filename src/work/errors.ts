/**
 * Coded errors of this room. Inside it, what goes wrong is thrown as a `WorkError`; `run` turns
 * every one into a `Failed`, so that only `readPolicy` ever lets one out.
 */
import { CodedError } from '../util/index.ts'
import type { WorkFailureCode } from './types.ts'

export type WorkErrorCode = WorkFailureCode | 'WORKFLOW_INVALID'

/** `WORKFLOW_INVALID` carries data {file, line, path}. */
export class WorkError extends CodedError<WorkErrorCode> {}
