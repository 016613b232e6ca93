/** Faults of the agent's API, of its clients and of the home they meet in. */
import { CodedError } from '../util/index.ts'

export type ApiErrorCode =
  /** No agent answers for this home. data: home; pid, where a process holds it all the same */
  | 'AGENT_NOT_RUNNING'
  /** Another living process owns this home. data: home, pid */
  | 'HOME_IN_USE'
  /** The home cannot be created or written. data: home */
  | 'HOME_UNUSABLE'
  /** No space is left where the home is. data: home */
  | 'HOME_FULL'
  /** Something that is not ours lies where the socket or its directory belongs. data: path */
  | 'SOCKET_UNSAFE'
  /** A living server listens on this socket. data: path */
  | 'SOCKET_IN_USE'
  /** A request did not bring the key of the home. */
  | 'API_KEY_WRONG'
  /** A parameter of a request. data: parameter */
  | 'INVALID_PARAMETER'
  /** The token of a task's tools is wrong, or absent. */
  | 'TOKEN_WRONG'
  /** A task's tools serve no other task. data: task */
  | 'OTHER_TASK'
  /** More requests than a task's tools answer in that time. */
  | 'TOO_MANY'
  /** A request for help of the task is under way. */
  | 'ASK_BUSY'
  | 'ROUTE_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  /** data: repo, issue */
  | 'TASK_NOT_FOUND'
  /** data: agent */
  | 'AGENT_NOT_FOUND'
  /** No request for help of that id. data: id */
  | 'ASK_UNKNOWN'
  /** data: ids */
  | 'ASK_AMBIGUOUS'
  /** The connection broke in the middle of an answer. data: home */
  | 'AGENT_GONE'
  /** The agent failed to answer; its log says why. */
  | 'INTERNAL'
  /** What answered is not an agent of this version. */
  | 'BAD_ANSWER'

export class ApiError extends CodedError<ApiErrorCode> {}
