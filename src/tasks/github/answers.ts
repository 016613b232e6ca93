/** What each answer of GitHub says of its limits, seen where octokit ends a call. */
import type { Octokit } from 'octokit'
import { hasCode } from '../../util/index.ts'
import { TasksError } from '../errors.ts'
import { asTasksError } from './errors.ts'
import type { Allowance } from './limits.ts'
import type { RateLimit } from './shapes.ts'

/** One call as it ended, after octokit's own tries. */
export interface Answered {
  method: string
  /** What it failed with; a 304 is no failure. */
  error?: Error
  limit?: RateLimit
  /** GitHub asked for a pause until then, wall clock, ms. */
  brakeUntilMs?: number
}

/** Longest pause after which octokit tries a limited call again by itself, s; a longer one others must know of. */
const maxRetryAfter = 60

/** For octokit's throttling: a used-up limit is waited for by who asked, not inside of a call. */
export const patience = {
  onRateLimit: () => false,
  onSecondaryRateLimit: (after: number, _: object, __: object, tries: number) =>
    after <= maxRetryAfter && tries < 1,
}

/** Tells of each call as it ended. */
export function watchAnswers(octokit: Octokit, onAnswer: (answer: Answered) => void): void {
  const note = (method: string, headers: object | undefined, error?: Error) => {
    const seen = limitOf(headers)
    const limited = error instanceof TasksError && hasCode(error, 'GITHUB_RATE_LIMITED')
    const brake = limited ? Number(error.data['resetAtMs']) : NaN
    onAnswer({
      method,
      ...(error === undefined ? {} : { error }),
      ...(seen === undefined ? {} : { limit: seen }),
      ...(Number.isFinite(brake) ? { brakeUntilMs: brake } : {}),
    })
  }
  octokit.hook.after('request', ({ headers }, { method }) => note(method, headers))
  octokit.hook.error('request', (error, { method, url }) => {
    const { response, status } = error as { response?: { headers?: object }; status?: number }
    note(method, response?.headers, status === 304 ? undefined : asTasksError(error, url, {}))
    throw error
  })
}

/** For a request that is not sent, because a limit is used up or GitHub asked for a pause. */
export function notNow(route: string, { untilMs, reason }: Extract<Allowance, { is: 'wait' }>) {
  return new TasksError('GITHUB_RATE_LIMITED', `"${route}" was not sent: ${reason}.`, {
    data: { route, resetAtMs: untilMs },
    next: 'Wait for the reset, or use a token of its own.',
  })
}

function limitOf(headers: object | undefined): RateLimit | undefined {
  const of = (name: string) =>
    Number((headers as Record<string, unknown> | undefined)?.[`x-ratelimit-${name}`])
  // Search and GraphQL have limits of their own.
  const resource = (headers as Record<string, unknown> | undefined)?.['x-ratelimit-resource']
  if (resource !== undefined && resource !== 'core') return undefined
  if (![of('remaining'), of('limit'), of('reset')].every(Number.isFinite)) return undefined
  return { limit: of('limit'), remaining: of('remaining'), resetAtMs: of('reset') * 1_000 }
}
