/**
 * GitHub as `bzzz doctor` asks it: every answer as it came, also those that refuse, since a refusal is
 * what it wants to know. Without octokit's pauses and retries: the calls are few, and a race needs them
 * at once. Answers are decoded by who asks; nothing here decides.
 */
import { Octokit } from 'octokit'
import { z } from 'zod'
import { withDeadline } from '../../util/index.ts'
import { TasksError } from '../errors.ts'
import { asTasksError } from './errors.ts'
import { createRefsApi, type RefsApi } from './refs.ts'

export interface ProbeInit {
  apiUrl: string
  token: string
  userAgent: string
  /** Limit of one call, ms. Default 15,000. */
  timeoutMs?: number
}

export interface Answer {
  status: number
  headers: Readonly<Record<string, unknown>>
  data: unknown
  /** What GitHub said when it refused, in one line of at most 300 characters; empty otherwise. */
  said: string
}

export interface Probe {
  /** Errors: `GITHUB_UNREACHABLE`, `DEADLINE`, `ABORTED`; never for a status. */
  ask(route: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<Answer>
  refs(repo: string): RefsApi
}

const failureSchema = z.object({
  status: z.number().int().min(100).max(599),
  response: z.object({ headers: z.record(z.string(), z.unknown()).default({}), data: z.unknown() }),
})
const messageSchema = z.object({ message: z.string() })

export function createProbe({ apiUrl, token, userAgent, timeoutMs = 15_000 }: ProbeInit): Probe {
  const silent = () => undefined
  const octokit = new Octokit({
    baseUrl: apiUrl.replace(/\/+$/, ''),
    auth: token,
    userAgent,
    throttle: { enabled: false },
    retry: { enabled: false },
    log: { debug: silent, info: silent, warn: silent, error: silent },
  })
  const request = (route: string, parameters: Record<string, unknown>, signal: AbortSignal) =>
    withDeadline(
      route,
      timeoutMs,
      (inner) => octokit.request(route, { ...parameters, request: { signal: inner } }),
      { signal },
    )

  async function ask(route: string, parameters: Record<string, unknown>, signal: AbortSignal) {
    try {
      const { status, headers, data } = await request(route, parameters, signal)
      return { status, headers: { ...headers }, data: data as unknown, said: '' }
    } catch (error) {
      const failure = failureSchema.safeParse(error).data
      if (failure === undefined) throw asTasksError(error, route, parameters)
      const { headers, data } = failure.response
      const said = (messageSchema.safeParse(data).data?.message ?? '').replace(/\s+/g, ' ')
      return { status: failure.status, headers, data, said: said.slice(0, 300) }
    }
  }

  async function call<S extends z.ZodType>(
    route: string,
    parameters: Record<string, unknown>,
    schema: S,
    signal: AbortSignal,
  ) {
    const answer = await request(route, parameters, signal).catch((error: unknown) => {
      throw asTasksError(error, route, parameters)
    })
    const decoded = schema.safeParse(answer.data)
    if (decoded.success) return { data: decoded.data, headers: { ...answer.headers } }
    throw new TasksError('GITHUB_ANSWER', `${route} answered in an unknown form.`)
  }
  const graphql = (query: string, variables: Record<string, unknown>, signal: AbortSignal) =>
    withDeadline(
      'POST /graphql',
      timeoutMs,
      (inner) => octokit.graphql(query, { ...variables, request: { signal: inner } }),
      { signal },
    )

  return {
    ask,
    refs(repo) {
      const [owner = '', name = ''] = repo.split('/')
      return createRefsApi({ owner, repo: name }, { call, graphql })
    },
  }
}
