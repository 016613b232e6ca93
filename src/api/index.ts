/**
 * The agent's HTTP API on a unix socket in its home: what the command line and other local
 * programs use. Clients that must start fast import `client.ts`, this room's second, light door.
 *
 * @example
 * const lock = await acquireHomeLock(home)
 * const api = createApi({ home }, sources, { logger })
 * await api.start()
 * // elsewhere: curl --unix-socket <home>/run/agent.sock http://localhost/api/v1/status \
 *   -H "Authorization: Bearer $(cat <home>/run/api.key)"
 * await api.stop()
 * await lock.release()
 */
export { ApiError, type ApiErrorCode } from './errors.ts'
export { acquireHomeLock, homeOwner, type HomeLock, type LockOwner } from './lock.ts'
export { createApi, type Api, type ApiComponents, type ApiInit } from './server.ts'
export { createToolServer, type TaskToolServer } from './tools/server.ts'
export { socketPathFor, type SocketEnv } from './socket-path.ts'
export type {
  ApiSources,
  AskRow,
  ErrorEnvelope,
  HelpSources,
  MembershipSources,
  MembershipStatus,
  PeerRow,
  RepositoryStatus,
  Status,
  TaskRef,
} from './types.ts'
