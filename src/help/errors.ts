/** Coded errors of help. */
import { CodedError } from '../util/index.ts'

export type HelpErrorCode =
  /** A field of a request does not fit (data: `field`). */
  | 'HELP_INVALID'
  /** Too many own requests are under way (data: `limit`). */
  | 'HELP_BUSY'
  /** No such request of this agent, or it waits for nothing of the kind (data: `id`). */
  | 'HELP_UNKNOWN'
  /** Help is not running. */
  | 'HELP_STOPPED'

export class HelpError extends CodedError<HelpErrorCode> {}
