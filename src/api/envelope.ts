/** Errors as answers: code, sentence and next step for what is coded; nothing of the inside for the rest. */
import { CodedError } from '../util/index.ts'
import type { ErrorEnvelope } from './types.ts'

const statusByCode: Record<string, 400 | 401 | 404 | 405 | 409 | 413 | 503> = {
  INVALID: 400,
  INVALID_PARAMETER: 400,
  API_KEY_WRONG: 401,
  AGENT_NOT_FOUND: 404,
  ASK_INVALID: 400,
  HELP_WANTED_INVALID: 400,
  ASK_UNKNOWN: 404,
  ASK_NO_TASK: 404,
  INVITE_UNKNOWN: 404,
  MEMBER_UNKNOWN: 404,
  QUESTION_UNKNOWN: 404,
  ROUTE_NOT_FOUND: 404,
  TASK_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  ASK_AMBIGUOUS: 409,
  ASK_TAKEN: 409,
  INVITES_FULL: 409,
  MEMBER_AMBIGUOUS: 409,
  MEMBER_SELF: 409,
  NEEDS_ROOT: 409,
  NOT_SIGNER: 409,
  RECOVERY_WRONG: 409,
  ROTATIONS_SPENT: 409,
  PEER_UNREACHABLE: 503,
  TOO_LARGE: 413,
  QUEUE_FULL: 503,
  DEADLINE: 503,
  ABORTED: 503,
}

export function statusOf(error: unknown): 400 | 401 | 404 | 405 | 409 | 413 | 500 | 503 {
  return error instanceof CodedError ? (statusByCode[error.code] ?? 500) : 500
}

export function envelopeOf(error: unknown): ErrorEnvelope {
  if (error instanceof CodedError) {
    const { code, message, next, data } = error
    return { error: { code, message, ...(next === undefined ? {} : { next }), data } }
  }
  return {
    error: {
      code: 'INTERNAL',
      message: 'The agent failed to answer.',
      next: 'Look at the log of the agent (the output of `bzzz up`).',
    },
  }
}
