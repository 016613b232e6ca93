/** Coded errors of the process room. What a child does is never an error: it is an `Exit`. */
import { CodedError } from '../util/index.ts'

/** `EGRESS_HOST`: what is to be reached is no host (data: host). */
export type ProcessErrorCode = 'GIT_FAILED' | 'GIT_MISSING' | 'EGRESS_HOST'

export class ProcessError extends CodedError<ProcessErrorCode> {}
