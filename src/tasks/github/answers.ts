/** What each answer of GitHub says of its limits, seen where octokit ends a call. */
import type { Octokit } from 'octokit'
import { hasCode } from '../../util/index.ts'
import { TasksError } from '../errors.ts'
import { asTasksError } from './errors.ts'
import type { Allowance } from './limits.ts'
import type { RateLimit } from './shapes.ts'

/** One call as it ended, after octokit's own tries. */
export interface Answered {
  /** `QUERY`: GraphQL that only reads. */
  method: string
  /** GraphQL was asked, and `limit` is of its points. */
  graphql?: boolean
  /** What it failed with; a 304 is no failure. */
  error?: Error
  limit?: RateLimit
  /** GitHub asked for a pause until then, own wall clock, ms. */
  brakeUntilMs?: number
  /** GitHub's clock when it answered, ms: its own times, as of `limit`, go by it. */
  dateMs?: number
}

/** Longest pause after which octokit tries a limited call again by itself, s; a longer one others must know of. */
const maxRetryAfter = 60

/** For octokit's throttling: a used-up limit is waited for by who asked, not inside of a call. */
export const patience = {
  onRateLimit: () => false,
  onSecondaryRateLimit: (after: number, _: object, __: object, tries: number) =>
    after <= maxRetryAfter && tries < 1,
}

interface Asked {
  method: string
  url: string
  query?: string
}

const isGraphql = ({ url }: Asked) => url.endsWith('/graphql')

/** Tells of each call as it ended. */
export function watchAnswers(octokit: Octokit, onAnswer: (answer: Answered) => void): void {
  const note = (asked: Asked, headers: object | undefined, error?: Error) => {
    const graphql = isGraphql(asked)
    const seen = limitOf(headers, graphql ? 'graphql' : 'core')
    const limited = error instanceof TasksError && hasCode(error, 'GITHUB_RATE_LIMITED')
    // GraphQL's points are its own; a pause that was asked for is everybody's.
    const date = Date.parse(String((headers as Record<string, unknown> | undefined)?.['date']))
    const brake = limited && error.data['points'] !== true ? Number(error.data['resetAtMs']) : NaN
    onAnswer({
      method: graphql && !/^\s*mutation\b/.test(asked.query ?? '') ? 'QUERY' : asked.method,
      ...(graphql ? { graphql } : {}),
      ...(error === undefined ? {} : { error }),
      ...(seen === undefined ? {} : { limit: seen }),
      ...(Number.isFinite(brake) ? { brakeUntilMs: brake } : {}),
      ...(Number.isFinite(date) ? { dateMs: date } : {}),
    })
  }
  octokit.hook.after('request', ({ headers }, asked) => note(asked, headers))
  octokit.hook.error('request', (error, asked) => {
    const { response, status } = error as { response?: { headers?: object }; status?: number }
    const coded = status === 304 ? undefined : asTasksError(error, asked.url, {})
    note(asked, response?.headers, coded)
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

function limitOf(headers: object | undefined, wanted: 'core' | 'graphql'): RateLimit | undefined {
  const of = (name: string) =>
    Number((headers as Record<string, unknown> | undefined)?.[`x-ratelimit-${name}`])
  // Search has a limit of its own.
  const resource = (headers as Record<string, unknown> | undefined)?.['x-ratelimit-resource']
  if (resource !== undefined && resource !== wanted) return undefined
  if (![of('remaining'), of('limit'), of('reset')].every(Number.isFinite)) return undefined
  return { limit: of('limit'), remaining: of('remaining'), resetAtMs: of('reset') * 1_000 }
}
