/** Coded errors of the task lifecycle. */
import { CodedError, hasCode } from '../util/index.ts'

export type TasksErrorCode =
  /** 401: the token is wrong, expired or revoked. */
  | 'GITHUB_UNAUTHORIZED'
  /** 403: the token may not do this. */
  | 'GITHUB_FORBIDDEN'
  /** 404 or 410: absent, or invisible to this token. */
  | 'GITHUB_NOT_FOUND'
  /** Any other 3xx or 4xx: understood and refused; data.details says why. */
  | 'GITHUB_REFUSED'
  /** 403 or 429 with an exhausted limit; data.resetAtMs. */
  | 'GITHUB_RATE_LIMITED'
  /** No answer, 408, 425, or a 5xx after retries. */
  | 'GITHUB_UNREACHABLE'
  /** GraphQL does not answer what REST can; data.why. */
  | 'QUERY_REFUSED'
  /** An answer that does not have GitHub's shape. */
  | 'GITHUB_ANSWER'
  /** The default branch has no commit. */
  | 'REPO_EMPTY'
  /** The repository has another default branch than when it was made ready; that is done again. */
  | 'REPO_CHANGED'
  /** The login cannot be assigned to issues. */
  | 'NOT_ASSIGNABLE'
  /** The token cannot push. */
  | 'REPO_READ_ONLY'
  /** The `bzzz` block of an issue cannot be used; data.line. */
  | 'INSTRUCTIONS_INVALID'
  /** The claim ref holds something that is no record of ours. */
  | 'CLAIM_REF_INVALID'
  /** What was read is older than our claim: a replica lags, or the claim is another's by now; data.ref. */
  | 'CLAIM_STALE'
  /** What became of a claim cannot be told now; a later look at the ref can. */
  | 'CLAIM_UNKNOWN'
  /** The `rest` transport of claims needs GraphQL `updateRefs`, which this GitHub does not have. */
  | 'UPDATE_REFS_MISSING'
  /** GitHub gave a claim record another OID than the local store did: it altered the commit. */
  | 'CLAIM_RECORD_ALTERED'
  /** The receiver of webhooks cannot listen; data.listen. */
  | 'WEBHOOKS_LISTEN'
  /** A dry run writes nothing; data.what would have been done. */
  | 'DRY_RUN'
  /** No request waits here for a person's answer under that id; data.id. */
  | 'ASK_UNKNOWN'
  /** An executor here works on that request; data.id. */
  | 'ASK_TAKEN'
  /** A person's answer does not fit; data.field. */
  | 'ASK_INVALID'
  /** The claim is no longer ours. */
  | 'CLAIM_LOST'

export class TasksError extends CodedError<TasksErrorCode> {}

/** What passes by itself and says nothing about the task: no attempt at it is to be counted for that. */
const passing = ['GITHUB_UNREACHABLE', 'GITHUB_RATE_LIMITED', 'GITHUB_UNAUTHORIZED']
export const isPassing = (error: unknown): boolean => passing.some((code) => hasCode(error, code))
