/**
 * What is asked and said about a pull request after it was opened. Everything that is asked again and
 * again is asked for by ETag: an unchanged answer costs nothing of the rate limit. No octokit here:
 * `github.ts` lends its call.
 */
import { z } from 'zod'
import { hasCode, RecentMap } from '../../util/index.ts'
import { TasksError } from '../errors.ts'
import type { Call } from './gate-calls.ts'
import { checksOf, type Checks } from './checks.ts'
import { jobLogs } from './job-log.ts'
import {
  bodiesSchema,
  checkRunsSchema,
  combinedStatusSchema,
  lineCommentsSchema,
  openedSchema,
  pullDetailSchema,
  pullsSchema,
  reactionsSchema,
  reviewsSchema,
  talkSchema,
  type LineComment,
  type PullDetail,
  type PullSummary,
  type Review,
  type TalkComment,
} from './review-schemas.ts'

export type { Checks } from './checks.ts'
export type { LineComment, PullDetail, PullSummary, Review, TalkComment } from './review-schemas.ts'

export type Reaction = '+1' | '-1' | 'confused' | 'eyes' | 'rocket'

export interface ReviewCalls {
  /** The 100 open pull requests that changed last; `whole`: there are no others. By ETag. */
  openPulls(repo: string, signal: AbortSignal): Promise<{ pulls: PullSummary[]; whole: boolean }>
  /** By ETag. */
  pull(repo: string, number: number, signal: AbortSignal): Promise<PullDetail>
  /** Check runs, the newest of each name, and commit statuses; the first 100 of each. By ETag. */
  checks(repo: string, oid: string, signal: AbortSignal): Promise<Checks>
  /** The end of a job's log, at most 16 KiB; undefined where it cannot be had. */
  jobLog(repo: string, id: number, signal: AbortSignal): Promise<string | undefined>
  /** Oldest first, at most 300. */
  reviews(repo: string, number: number, signal: AbortSignal): Promise<Review[]>
  /** Oldest first, at most 300. */
  lineComments(repo: string, number: number, signal: AbortSignal): Promise<LineComment[]>
  /** Comments written or edited at `sinceIso` or later, oldest first, at most 300. */
  talk(repo: string, number: number, sinceIso: string, signal: AbortSignal): Promise<TalkComment[]>
  /** Logins that reacted to a comment; the first 100. */
  reactors(repo: string, comment: number, signal: AbortSignal): Promise<string[]>
  /** Idempotent. */
  react(repo: string, comment: number, content: Reaction, signal: AbortSignal): Promise<void>
  /** Whether the login may push: write access, not only triage. */
  mayPush(repo: string, login: string, signal: AbortSignal): Promise<boolean>
  /** Idempotent: a label that is not there is no error. */
  removeLabel(repo: string, number: number, label: string, signal: AbortSignal): Promise<void>
  /** Ends the draft. Errors: those of GraphQL; REST has no such call. */
  ready(repo: string, nodeId: string, signal: AbortSignal): Promise<void>
  /** Sent once: whether it arrived is asked before another try. */
  openIssue(
    repo: string,
    issue: { title: string; body: string; labels: string[] },
    signal: AbortSignal,
  ): Promise<{ id: number; number: number; url: string }>
  /** Makes an issue, by its id, a part of another. Errors: `GITHUB_NOT_FOUND` where there are none. */
  addPart(repo: string, parent: number, id: number, signal: AbortSignal): Promise<void>
  /** Texts of the 100 issues that the login opened last. */
  openedBy(repo: string, login: string, signal: AbortSignal): Promise<OpenedIssue[]>
  /** Texts of the issues that anybody opened at `sinceMs` (GitHub's clock) or later, newest first, at most 300. */
  openedSince(repo: string, sinceMs: number, signal: AbortSignal): Promise<OpenedIssue[]>
}

export interface OpenedIssue {
  id: number
  number: number
  body: string
}

export type Graphql = (
  repo: string,
) => (query: string, variables: Record<string, unknown>, signal: AbortSignal) => Promise<unknown>

const perPage = 100
const maxPages = 3
/** Answers that are kept for their ETags. */
const maxAnswers = 1_000

const pushing: ReadonlySet<string> = new Set(['admin', 'maintain', 'write'])
const permissionSchema = z.object({
  permission: z.string().max(100),
  role_name: z.string().max(100).nullish(),
})

const R = '/repos/{owner}/{repo}'

export function reviewCalls(
  { apiUrl }: { apiUrl: string },
  call: Call,
  graphql: Graphql,
): ReviewCalls {
  const jobLog = jobLogs({ apiUrl }, call)
  const answers = new RecentMap<string, { etag: string; data: unknown; more: boolean }>(maxAnswers)
  const at = (repo: string) => {
    const [owner = '', name = ''] = repo.split('/')
    return { owner, repo: name }
  }

  /** One answer by ETag. */
  async function known<S extends z.ZodType>(
    route: string,
    parameters: Record<string, unknown>,
    schema: S,
    signal: AbortSignal,
  ): Promise<{ data: z.infer<S>; more: boolean }> {
    const key = `${route} ${JSON.stringify(parameters)}`
    const old = answers.get(key)
    const headers = old === undefined ? {} : { headers: { 'if-none-match': old.etag } }
    const answer = await call(route, { ...parameters, ...headers }, schema, signal).catch(
      (error: unknown) => {
        if (old !== undefined && error instanceof TasksError && error.data['status'] === 304)
          return undefined
        throw error
      },
    )
    if (answer === undefined) return { data: old?.data as z.infer<S>, more: old?.more === true }
    const { etag, link } = answer.headers
    const more = String(link ?? '').includes('rel="next"')
    if (typeof etag === 'string') answers.set(key, { etag, data: answer.data, more })
    return { data: answer.data, more }
  }

  async function pages<T>(
    route: string,
    parameters: Record<string, unknown>,
    schema: z.ZodType<T[]>,
    signal: AbortSignal,
  ): Promise<T[]> {
    const found: T[] = []
    for (let page = 1; page <= maxPages; page += 1) {
      const paged = { ...parameters, per_page: perPage, page }
      const { data, more } = await known(route, paged, schema, signal)
      found.push(...data)
      if (!more) break
    }
    return found
  }

  return {
    async openPulls(repo, signal) {
      const order = { state: 'open', sort: 'updated', direction: 'desc', per_page: perPage }
      const route = `GET ${R}/pulls`
      const { data, more } = await known(route, { ...at(repo), ...order }, pullsSchema, signal)
      return { pulls: data, whole: !more }
    },
    async pull(repo, number, signal) {
      const parameters = { ...at(repo), pull_number: number }
      return (await known(`GET ${R}/pulls/{pull_number}`, parameters, pullDetailSchema, signal))
        .data
    },
    async checks(repo, oid, signal) {
      const parameters = { ...at(repo), ref: oid, per_page: perPage }
      const runs = known(
        `GET ${R}/commits/{ref}/check-runs`,
        { ...parameters, filter: 'latest' },
        checkRunsSchema,
        signal,
      )
      const status = known(
        `GET ${R}/commits/{ref}/status`,
        parameters,
        combinedStatusSchema,
        signal,
      )
      // A token may lack the permission for one of them.
      const none = (error: unknown) => {
        if (hasCode(error, 'GITHUB_FORBIDDEN') || hasCode(error, 'GITHUB_NOT_FOUND')) return null
        throw error
      }
      const [ran, said] = await Promise.all([runs.catch(none), status.catch(none)])
      return checksOf(ran?.data.check_runs ?? [], said?.data.statuses ?? [])
    },
    jobLog: (repo, id, signal) => jobLog(at(repo), id, signal),
    reviews: (repo, number, signal) =>
      pages(
        `GET ${R}/pulls/{pull_number}/reviews`,
        { ...at(repo), pull_number: number },
        reviewsSchema,
        signal,
      ),
    lineComments: (repo, number, signal) =>
      pages(
        `GET ${R}/pulls/{pull_number}/comments`,
        { ...at(repo), pull_number: number },
        lineCommentsSchema,
        signal,
      ),
    talk: (repo, number, sinceIso, signal) =>
      pages(
        `GET ${R}/issues/{issue_number}/comments`,
        { ...at(repo), issue_number: number, since: sinceIso },
        talkSchema,
        signal,
      ),
    async reactors(repo, comment, signal) {
      const parameters = { ...at(repo), comment_id: comment, per_page: perPage }
      const route = `GET ${R}/issues/comments/{comment_id}/reactions`
      const { data } = await call(route, parameters, reactionsSchema, signal)
      return data.map(({ user }) => user.author)
    },
    async react(repo, comment, content, signal) {
      const parameters = { ...at(repo), comment_id: comment, content }
      const route = `POST ${R}/issues/comments/{comment_id}/reactions`
      await call(route, parameters, z.unknown(), signal)
    },
    async mayPush(repo, login, signal) {
      const route = `GET ${R}/collaborators/{username}/permission`
      const answer = await call(
        route,
        { ...at(repo), username: login },
        permissionSchema,
        signal,
      ).catch(absent)
      if (answer === undefined) return false
      const { permission, role_name } = answer.data
      return pushing.has(permission) || pushing.has(role_name ?? '')
    },
    async removeLabel(repo, number, label, signal) {
      const parameters = { ...at(repo), issue_number: number, name: label }
      const route = `DELETE ${R}/issues/{issue_number}/labels/{name}`
      await call(route, parameters, z.unknown(), signal).catch(absent)
    },
    async ready(repo, nodeId, signal) {
      const query =
        'mutation($input: MarkPullRequestReadyForReviewInput!) { markPullRequestReadyForReview(input: $input) { clientMutationId } }'
      await graphql(repo)(query, { input: { pullRequestId: nodeId } }, signal)
    },
    async openIssue(repo, issue, signal) {
      const route = `POST ${R}/issues`
      const parameters = { ...at(repo), ...issue, request: { retries: 0 } }
      const { data } = await call(route, parameters, openedSchema, signal)
      return { id: data.id, number: data.number, url: data.html_url }
    },
    async addPart(repo, parent, id, signal) {
      const parameters = { ...at(repo), issue_number: parent, sub_issue_id: id }
      const route = `POST ${R}/issues/{issue_number}/sub_issues`
      await call(route, parameters, z.unknown(), signal)
    },
    async openedBy(repo, login, signal) {
      const order = { state: 'all', creator: login, sort: 'created', direction: 'desc' }
      const parameters = { ...at(repo), ...order, per_page: perPage }
      const { data } = await call(`GET ${R}/issues`, parameters, bodiesSchema, signal)
      return data.filter(({ pull_request: pull }) => pull === undefined)
    },
    async openedSince(repo, sinceMs, signal) {
      const order = { state: 'all', sort: 'created', direction: 'desc', per_page: perPage }
      const found: z.infer<typeof bodiesSchema> = []
      for (let page = 1; page <= maxPages; page += 1) {
        const parameters = { ...at(repo), ...order, page }
        const { data } = await call(`GET ${R}/issues`, parameters, bodiesSchema, signal)
        found.push(...data)
        const oldest = data.at(-1)
        if (data.length < perPage || Date.parse(oldest?.created_at ?? '') < sinceMs) break
      }
      return found.filter(({ pull_request: pull }) => pull === undefined)
    },
  }
}

function absent(error: unknown): undefined {
  if (hasCode(error, 'GITHUB_NOT_FOUND')) return undefined
  throw error
}
