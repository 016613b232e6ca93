/** Coded errors of the process room. What a child does is never an error: it is an `Exit`. */
import { CodedError } from '../util/index.ts'

export type ProcessErrorCode = 'GIT_FAILED' | 'GIT_MISSING'

export class ProcessError extends CodedError<ProcessErrorCode> {}
