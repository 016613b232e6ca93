/**
 * What octokit throws, as coded errors. Pure but for the time of a reset; never carries headers,
 * bodies or tokens. Only what passes by itself is `GITHUB_UNREACHABLE` or `GITHUB_RATE_LIMITED`,
 * since callers try those again without end.
 */
import { SecretError } from '../../secrets/index.ts'
import { hasCode } from '../../util/index.ts'
import { TasksError, type TasksErrorCode } from '../errors.ts'

interface Failure {
  status?: number
  message?: string
  response?: { headers?: Record<string, unknown>; data?: { message?: unknown; errors?: unknown } }
}

/**
 * Turns any failure of a call into a `TasksError`; `data`: route, repo, status, details, and of a
 * refusal `permissions`: what the token would need, one set in each. `points`: it is GraphQL's own
 * limit that is used up, and REST goes on.
 */
export function asTasksError(
  error: unknown,
  route: string,
  parameters: Record<string, unknown>,
): Error {
  if (error instanceof TasksError || hasCode(error, 'ABORTED')) return error as Error
  if (error instanceof SecretError) return asSignInError(error)
  const {
    status = 0,
    message: text = '',
    response,
  } = (typeof error === 'object' && error !== null ? error : {}) as Failure
  const repo =
    parameters['owner'] === undefined
      ? undefined
      : `${String(parameters['owner'])}/${String(parameters['repo'])}`
  const headers = response?.headers ?? {}
  const outOfPoints = isOutOfPoints(response?.data)
  // Without an answer octokit says 500, and why in its own words.
  const details =
    response === undefined && status !== 0 ? text.slice(0, 300) : detailsOf(response?.data)
  const limited =
    outOfPoints ||
    status === 429 ||
    (status === 403 &&
      (isUsedUp(headers) ||
        headers['retry-after'] !== undefined ||
        secondary.test(details === '' ? text : details)))
  const data = {
    route,
    status,
    details,
    ...(repo === undefined ? {} : { repo }),
    ...(limited ? { resetAtMs: resetOf(headers) } : {}),
    ...(outOfPoints ? { points: true } : {}),
  }
  const subject = repo ?? 'GitHub'
  const code = codeOf(status, limited)
  const said = details === '' ? '' : ` (${details})`
  const permissions = code === 'GITHUB_FORBIDDEN' ? permissionsOf(headers) : []
  const { message, next } =
    permissions.length === 0
      ? words(code, subject, route, said)
      : lacking(permissions, subject, route, said)
  if (permissions.length > 0) Object.assign(data, { permissions })
  return new TasksError(code, message, { data, next, ...(status === 0 ? { cause: error } : {}) })
}

/** There is no token to call with. What passes by itself stays so; an App's absence is a repository's. */
function asSignInError(error: SecretError): TasksError {
  const codes: Partial<Record<SecretError['code'], TasksErrorCode>> = {
    APP_UNREACHABLE: 'GITHUB_UNREACHABLE',
    APP_NOT_INSTALLED: 'GITHUB_NOT_FOUND',
    APP_REFUSED: 'GITHUB_FORBIDDEN',
    APP_ANSWER: 'GITHUB_ANSWER',
  }
  return new TasksError(codes[error.code] ?? 'GITHUB_UNAUTHORIZED', error.message, {
    data: { ...error.data },
    ...(error.next === undefined ? {} : { next: error.next }),
    cause: error,
  })
}

/**
 * What GitHub would accept, one set in each: `issues: write`, `contents: write and actions: read`. From
 * `x-accepted-github-permissions: issues=write; pull_requests=write`.
 */
function permissionsOf(headers: Record<string, unknown>): string[] {
  const accepted = String(headers['x-accepted-github-permissions'] ?? '').slice(0, 1_000)
  const sets = accepted.split(';').map((set) =>
    set
      .split(',')
      .map((one) => /^\s*([a-z_]{1,60})=([a-z]{1,20})\s*$/.exec(one))
      .flatMap((found) => (found === null ? [] : [`${found[1]}: ${found[2]}`]))
      .join(' and '),
  )
  return sets.filter((set) => set !== '')
}

function lacking(
  permissions: string[],
  subject: string,
  route: string,
  said: string,
): { message: string; next: string } {
  const which = permissions.join(', or ').replaceAll('_', ' ')
  return {
    message: `The token lacks a permission for "${route}" on ${subject}${said}: ${which}.`,
    next: `Give the token, or the App and its installation, the repository permission ${which}.`,
  }
}

/** GitHub's words for a limit of its own on bursts; such an answer may name no time. */
const secondary = /secondary rate|abuse/i
const secondaryPauseMs = 60_000
/** Longest pause that a `retry-after` may ask for, s; anything else is not believed. */
const maxRetryAfter = 86_400

/** Clocks that differ by less are the same, ms. */
const sameClockMs = 5_000
const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/

const isUsedUp = (headers: Record<string, unknown>) =>
  String(headers['x-ratelimit-remaining']) === '0'

/** octokit throws such an answer of GraphQL, which has 200, without a status. */
const isOutOfPoints = (data: { errors?: unknown } | undefined) =>
  Array.isArray(data?.errors) &&
  data.errors.some((one: unknown) => (one as { type?: unknown } | null)?.type === 'RATE_LIMITED')

function codeOf(status: number, limited: boolean): TasksErrorCode {
  if (limited) return 'GITHUB_RATE_LIMITED'
  if (status === 401) return 'GITHUB_UNAUTHORIZED'
  if (status === 403) return 'GITHUB_FORBIDDEN'
  if (status === 404 || status === 410) return 'GITHUB_NOT_FOUND'
  const passes = status === 0 || status === 408 || status === 425 || status >= 500
  return passes ? 'GITHUB_UNREACHABLE' : 'GITHUB_REFUSED'
}

function words(
  code: TasksErrorCode,
  subject: string,
  route: string,
  said: string,
): { message: string; next: string } {
  switch (code) {
    case 'GITHUB_UNAUTHORIZED':
      return {
        message: `GitHub refused the token${said}.`,
        next: 'Put a valid token where github.token points (bzzz config show --origin); an agent that runs takes it up by itself.',
      }
    case 'GITHUB_FORBIDDEN':
      return {
        message: `The token may not do "${route}" on ${subject}${said}.`,
        next: 'Give it write access to contents, issues and pull requests of the repository.',
      }
    case 'GITHUB_NOT_FOUND':
      return {
        message: `${subject} was not found, or this token cannot see it.`,
        next: 'Check github.repos for the spelling, and the repositories that the token may use.',
      }
    case 'GITHUB_RATE_LIMITED':
      return {
        message: `GitHub's rate limit is used up${said}.`,
        next: 'Wait for the reset, or use a token of its own.',
      }
    case 'GITHUB_REFUSED':
      return {
        message: `GitHub refused "${route}" on ${subject}${said}.`,
        next: 'See the details.',
      }
    default:
      return {
        message: `GitHub did not answer "${route}"${subject === 'GitHub' ? '' : ` for ${subject}`}${said}.`,
        next: 'Check github.apiUrl and the network.',
      }
  }
}

function detailsOf(data: { message?: unknown; errors?: unknown } | undefined): string {
  if (data === undefined || data === null || typeof data !== 'object') return ''
  const parts = [data.message, ...(Array.isArray(data.errors) ? data.errors : [])].map(
    (part: unknown) =>
      typeof part === 'string'
        ? part
        : typeof part === 'object' && part !== null && 'message' in part
          ? String(part.message)
          : '',
  )
  return parts
    .filter((part) => part !== '')
    .join('; ')
    .slice(0, 500)
}

/**
 * When to try again, ms since the epoch by the own clock: GitHub's times count from its `date`. The
 * hour's reset says nothing about a secondary limit.
 */
function resetOf(headers: Record<string, unknown>): number {
  const now = Date.now()
  const date = Date.parse(String(headers['date']))
  // It has whole seconds, and the answer took its time.
  const theirs = Math.abs(date - now) >= sameClockMs ? date : now
  const after = pauseOf(headers['retry-after'], theirs)
  if (after >= 0 && after <= maxRetryAfter) return now + after * 1_000
  const reset = Number(headers['x-ratelimit-reset'])
  return isUsedUp(headers) && reset > 0 ? now + reset * 1_000 - theirs : now + secondaryPauseMs
}

/** Of `retry-after`, s: a number of seconds or, as HTTP also allows, a date. NaN: neither. */
function pauseOf(said: unknown, now: number): number {
  const text = String(said ?? '').trim()
  if (/^\d+$/.test(text)) return Number(text)
  const date = httpDate.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(date) ? NaN : Math.max(0, date - now) / 1_000
}
