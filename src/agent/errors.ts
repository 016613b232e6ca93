/** Why an agent does not start although all its rooms could. */
import { CodedError } from '../util/index.ts'

export type AgentErrorCode =
  /** Configured as a worker, admitted without that role. data: roles */
  | 'ROLE_NOT_GRANTED'
  /** Its mesh has put this machine out. data: meshName, peerId */
  | 'MEMBERSHIP_REMOVED'
  /** Its membership was not renewed in time. data: meshName, expiresAt */
  | 'MEMBERSHIP_EXPIRED'
  /** The identity of the home was never let into the mesh that the home knows. data: meshName, peerId */
  | 'MEMBERSHIP_NONE'
  /** No executor of this agent works on the task, so nothing asks for it. data: repo, issue, or id */
  | 'ASK_NO_TASK'

export class AgentError extends CodedError<AgentErrorCode> {}
