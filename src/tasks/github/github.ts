/**
 * GitHub as the tasks need it: the only user of octokit. One code path for github.com, GitHub
 * Enterprise Server and the embedded forge; only base URL and token differ.
 *
 * octokit's own throttling (one write at a time, 1 s apart, 3 s for writes that notify) and retry
 * plugins stay on. Answers are decoded to the few fields that are used, so that nothing else of an
 * answer can reach the rest. A status never decides a claim: see `claim/`.
 */
import { Octokit } from 'octokit'
import { z } from 'zod'
import type { Credential } from '../../secrets/index.ts'
import { systemClock, withDeadline, type Clock, type Logger } from '../../util/index.ts'
import { accessCalls } from './access.ts'
import { authStrategy } from './auth.ts'
import { notNow, patience, watchAnswers, type Answered } from './answers.ts'
import { asTasksError } from './errors.ts'
import { TasksError } from '../errors.ts'
import { createDossiers } from './dossier.ts'
import { gateCalls, type GateCalls } from './gate-calls.ts'
import { at, hasNext, issueCalls } from './issue-calls.ts'
import { issueSchema, toIssue, type Issue } from './shapes.ts'
import { createWhereabouts } from './moved.ts'
import { pacedOctokit } from './paced.ts'
import { createRefsApi } from './refs.ts'
import { openGate, type Outgoing } from '../outgoing/outgoing.ts'
import type { Allowance } from './limits.ts'
import { reviewCalls, type ReviewCalls } from './review-calls.ts'
import type { RateLimit } from './shapes.ts'
import type { GitHubWithRefs } from './types.ts'
import { credentialOf } from './principal.ts'

export type { Issue, Pull, RateLimit, Repository } from './shapes.ts'
export type { GitHub } from './types.ts'

export interface GitHubInit {
  apiUrl: string
  /** A credential may give another token for each call. */
  token: string | Credential
  userAgent: string
  /** Limit of one call with its retries and throttling, ms. Default 120,000. */
  timeoutMs?: number
  /** octokit's pauses between writes; github.com asks for them, a forge of one's own does not. Default true. */
  pace?: boolean
}

export interface GitHubComponents {
  logger: Logger
  onAnswer?: (answer: Answered) => void
  /** Asked before everything that is sent. Default: lets all pass. */
  outgoing?: Outgoing
  /** Whether a request may be sent now: one that GitHub would refuse is not sent. Default: always. */
  mayAsk?: () => Allowance
  clock?: Clock
  /** Whether GraphQL may be asked instead of REST. Default: always. */
  mayQuery?: () => Allowance
}

/** Pages of 100 that one listing reads at most. */
const maxPages = 20
const perPage = 100

const always = (): Allowance => ({ is: 'go', stretch: 1 })

export function createGitHub(
  init: GitHubInit,
  {
    logger,
    onAnswer = () => undefined,
    outgoing = openGate,
    mayAsk,
    mayQuery = always,
    clock = systemClock,
  }: GitHubComponents,
): GitHubWithRefs & { gates: GateCalls; reviews: ReviewCalls } {
  const { apiUrl, userAgent, timeoutMs = 120_000, pace = true } = init
  const credential = credentialOf(init.token)
  const cached = new Map<string, { etag: string; issues: Issue[] }>()
  const options = {
    baseUrl: apiUrl.replace(/\/+$/, ''),
    authStrategy: authStrategy(credential),
    userAgent,
    log: {
      debug: () => undefined,
      info: (message: string) => logger.debug({ event: 'github' }, message),
      warn: (message: string) => logger.warn({ event: 'github' }, message),
      error: (message: string) => logger.debug({ event: 'github' }, message),
    },
  }
  let limit: RateLimit | null = null
  const octokit = pacedOctokit((id) => {
    const made = new Octokit({ ...options, throttle: { enabled: pace, id, ...patience } })
    watchAnswers(made, (answer) => {
      if (answer.graphql !== true) limit = answer.limit ?? limit
      onAnswer(answer)
    })
    return made
  }, clock)

  /** One call with a deadline, coded errors and a decoded answer. */
  async function call<S extends z.ZodType>(
    route: string,
    parameters: Record<string, unknown>,
    schema: S,
    signal: AbortSignal,
  ): Promise<{ data: z.infer<S>; headers: Record<string, unknown> }> {
    const may = mayAsk?.()
    if (may?.is === 'wait') throw notNow(route, may)
    const sent = await outgoing.rest(route, parameters, signal)
    const response = await withDeadline(
      route,
      timeoutMs,
      (inner) => {
        const options = { ...(sent['request'] as object | undefined), signal: inner }
        return octokit().request(route, { ...sent, request: options })
      },
      { signal },
    ).catch((error: unknown) => {
      throw asTasksError(error, route, parameters)
    })
    const decoded = schema.safeParse(response.data)
    if (!decoded.success) {
      const at = decoded.error.issues[0]?.path.join('.') ?? ''
      throw new TasksError('GITHUB_ANSWER', `${route} answered in an unknown form at "${at}".`, {
        data: { route, path: at },
        next: 'Check that github.apiUrl names a GitHub API.',
      })
    }
    return { data: decoded.data, headers: response.headers }
  }

  /** octokit knows where GraphQL is on GitHub Enterprise Server. */
  const graphql =
    (repo: string) =>
    async (query: string, variables: Record<string, unknown>, signal: AbortSignal) => {
      outgoing.graphql(query)
      return withDeadline(
        'POST /graphql',
        timeoutMs,
        (inner) => octokit().graphql(query, { ...variables, request: { signal: inner, repo } }),
        { signal },
      )
    }

  async function openIssues(repo: string, label: string, signal: AbortSignal): Promise<Issue[]> {
    const cacheKey = `${repo} ${label}`
    const old = cached.get(cacheKey)
    const found: Issue[] = []
    for (let page = 1; page <= maxPages; page += 1) {
      const parameters = {
        ...at(repo),
        labels: label,
        state: 'open',
        sort: 'created',
        direction: 'asc',
        per_page: perPage,
        page,
      }
      const conditional =
        page === 1 && old !== undefined ? { headers: { 'if-none-match': old.etag } } : {}
      const answer = await call(
        'GET /repos/{owner}/{repo}/issues',
        { ...parameters, ...conditional },
        z.array(issueSchema),
        signal,
      ).catch((error: unknown) => {
        if (error instanceof TasksError && error.data['status'] === 304) return undefined
        throw error
      })
      if (answer === undefined) return old?.issues ?? []
      found.push(...answer.data.map(toIssue).filter((issue) => !issue.isPull))
      if (page === 1) {
        // A full page may stay as it is, and keep its ETag, while a second one comes after it.
        const etag = answer.headers['etag']
        if (typeof etag === 'string' && answer.data.length < perPage && !hasNext(answer.headers))
          cached.set(cacheKey, { etag, issues: found })
        else cached.delete(cacheKey)
      }
      if (!hasNext(answer.headers)) break
    }
    return found
  }

  const access = accessCalls({ apiUrl, credential, call })
  const whereabouts = createWhereabouts(
    async (repo, signal) => (await access.repository(repo, signal)).fullName,
  )

  const dossier = createDossiers({
    graphql,
    mayQuery,
    mustBe: (repo, number, answer, signal) => {
      const repository_url = `/repos/${answer.at}`
      return whereabouts.mustBe(repo, number, { number: answer.number, repository_url }, signal)
    },
  })

  return {
    ...access,
    openIssues,
    async issue(repo, number, signal) {
      const parameters = { ...at(repo), issue_number: number }
      const route = 'GET /repos/{owner}/{repo}/issues/{issue_number}'
      const { data } = await call(route, parameters, issueSchema, signal)
      await whereabouts.mustBe(repo, number, data, signal)
      return toIssue(data)
    },
    ...issueCalls(call),
    refs: (repo) => createRefsApi(at(repo), { call, graphql: graphql(repo) }),
    gates: { ...gateCalls(call), dossier },
    reviews: reviewCalls({ apiUrl }, call, graphql),
    rateLimit: () => limit,
  }
}
