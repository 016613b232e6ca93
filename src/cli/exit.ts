/**
 * Exit codes, and which error gives which: one table, so that scripts can rely on it. An error
 * that is not listed gives 1. Pure.
 */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  notSignedIn: 4,
  notFound: 5,
  claimLost: 6,
  tryLater: 75,
  unsupported: 78,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** For the reference page. 75 is EX_TEMPFAIL and 78 EX_CONFIG of sysexits(3); 130 is 128 + SIGINT. */
export const exitMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'failed',
  2: 'wrong usage or invalid configuration',
  3: 'the agent does not run, or ended before it had answered',
  4: 'not signed in: the token is missing or was refused',
  5: 'not found',
  6: 'the claim was lost',
  75: 'not now: try again later',
  78: 'this version of Node.js is not supported',
  130: 'interrupted by Ctrl-C, or by SIGTERM or SIGHUP before it was done',
}

/** Error codes of all rooms that do not give 1. */
export const byErrorCode: Readonly<Record<string, ExitCode>> = {
  USAGE: exitCodes.usage,
  TASK_AMBIGUOUS: exitCodes.usage,
  PEER_AMBIGUOUS: exitCodes.usage,
  PEER_IS_OWN: exitCodes.usage,
  MEMBER_AMBIGUOUS: exitCodes.usage,
  ASK_AMBIGUOUS: exitCodes.usage,
  ASK_INVALID: exitCodes.usage,
  HELP_WANTED_INVALID: exitCodes.usage,
  TOKEN_UNREADABLE: exitCodes.usage,
  TOKEN_MALFORMED: exitCodes.usage,
  INVALID_PARAMETER: exitCodes.usage,
  CONFIG_INVALID: exitCodes.usage,
  CONFIG_NOT_FOUND: exitCodes.usage,
  CONFIG_UNREADABLE: exitCodes.usage,
  CONFIG_TOO_LARGE: exitCodes.usage,
  PERMISSIONS_INVALID: exitCodes.usage,
  EXECUTOR_INVALID: exitCodes.usage,
  WORKFLOW_INVALID: exitCodes.usage,
  WORKFLOW_UNREADABLE: exitCodes.usage,
  MESH_CONFIG_INVALID: exitCodes.usage,
  FORGE_REPOSITORY_INVALID: exitCodes.usage,
  FORGE_DIR_FOREIGN: exitCodes.usage,
  EXECUTOR_KNOWN: exitCodes.usage,
  CONFIG_UNWRITABLE: exitCodes.usage,

  AGENT_NOT_RUNNING: exitCodes.notRunning,
  AGENT_GONE: exitCodes.notRunning,

  GITHUB_UNAUTHORIZED: exitCodes.notSignedIn,
  SECRET_MISSING: exitCodes.notSignedIn,
  SECRET_UNREADABLE: exitCodes.notSignedIn,
  SECRET_EMPTY: exitCodes.notSignedIn,
  APP_KEY_INVALID: exitCodes.notSignedIn,

  TASK_NOT_FOUND: exitCodes.notFound,
  PEER_NOT_FOUND: exitCodes.notFound,
  INVITE_UNKNOWN: exitCodes.notFound,
  MEMBER_UNKNOWN: exitCodes.notFound,
  ASK_UNKNOWN: exitCodes.notFound,
  ASK_NO_TASK: exitCodes.notFound,
  MESH_NONE: exitCodes.notFound,
  AGENT_NOT_FOUND: exitCodes.notFound,
  REPOSITORY_NOT_FOUND: exitCodes.notFound,
  EXECUTOR_UNKNOWN: exitCodes.notFound,
  QUESTION_UNKNOWN: exitCodes.notFound,
  ROUTE_NOT_FOUND: exitCodes.notFound,
  GITHUB_NOT_FOUND: exitCodes.notFound,

  CLAIM_LOST: exitCodes.claimLost,

  DEADLINE: exitCodes.tryLater,
  QUEUE_FULL: exitCodes.tryLater,
  STILL_STOPPING: exitCodes.tryLater,
  JOIN_TIMEOUT: exitCodes.tryLater,
  GITHUB_RATE_LIMITED: exitCodes.tryLater,
  GITHUB_UNREACHABLE: exitCodes.tryLater,
  FORGE_BUSY: exitCodes.tryLater,
}

/** The first listed code in the error's chain of causes decides. */
export function exitCodeOf(error: unknown): ExitCode {
  for (let at = error, depth = 0; at instanceof Error && depth < 16; at = at.cause, depth += 1) {
    const { code } = at as { code?: unknown }
    if (typeof code !== 'string') continue
    const found = Object.hasOwn(byErrorCode, code) ? byErrorCode[code] : undefined
    if (found !== undefined) return found
  }
  return exitCodes.failed
}
