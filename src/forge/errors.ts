/** Coded errors of the forge as a component; what its HTTP clients see is in api-error.ts. */
import { CodedError } from '../util/index.ts'

export type ForgeErrorCode =
  | 'FORGE_PORT_TAKEN'
  | 'FORGE_LISTEN_FAILED'
  | 'FORGE_NOT_STARTED'
  | 'FORGE_BUSY'
  | 'FORGE_GIT_FAILED'
  | 'FORGE_GIT_MISSING'
  | 'FORGE_REPOSITORY_INVALID'
  | 'FORGE_USER_INVALID'
  | 'FORGE_APP_INVALID'
  | 'FORGE_HOOK_INVALID'
  | 'FORGE_FAULT_INVALID'

export class ForgeError extends CodedError<ForgeErrorCode> {}
