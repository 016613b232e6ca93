/**
 * A person's wish to have it tried anew: a comment, and the attempt that it was about. Whichever attempt
 * follows uses it up, also that of an agent that never saw the comment, such as one that saw a label go.
 * Pure.
 */
import type { ClaimRecord } from './record.ts'

export interface Retry {
  /** Id of the comment. */
  comment: number
  /** Of the newest record when the comment was obeyed; 0 when there was none. */
  attempt: number
}

export const isAsked = (
  retry: Retry | undefined,
  { attempt, command = 0 }: Pick<ClaimRecord, 'attempt' | 'command'>,
): boolean => retry !== undefined && retry.comment > command && attempt <= retry.attempt

export const newest = (one: Retry, other: Retry | undefined): Retry =>
  other !== undefined && other.comment > one.comment ? other : one
