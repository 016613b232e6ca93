/**
 * The few questions to GitHub that decide whether an issue may be taken: who set a label, what a
 * login may do, which open issues stand before it. No octokit here: `github.ts` lends its call.
 */
import { z } from 'zod'
import { RecentMap } from '../../util/index.ts'
import { TasksError } from '../errors.ts'
import type { AskDossier } from './dossier.ts'

export interface GateCalls {
  /**
   * Who set the label last, if it still stands and the last 500 events tell; one call unless the
   * issue has more than 100 events. `bot`: an App, which has no permission level of its own.
   */
  labeledBy(
    repo: string,
    number: number,
    label: string,
    signal: AbortSignal,
  ): Promise<{ login: string; bot: boolean } | undefined>
  /** When the login was assigned last, by GitHub's clock, ms, as far as the last 500 events tell. */
  assignedAt?(
    repo: string,
    number: number,
    login: string,
    signal: AbortSignal,
  ): Promise<number | undefined>
  /** Whether the login may triage issues of the repository. */
  mayTriage(repo: string, login: string, signal: AbortSignal): Promise<boolean>
  /**
   * Open issues that this one waits for, as `#4` or `octo/other#4`; the first 100. An unchanged
   * answer is asked for by ETag. Errors: `GITHUB_NOT_FOUND` where the feature or the issue is absent.
   */
  openBefore(
    repo: string,
    number: number,
    feature: Feature,
    signal: AbortSignal,
  ): Promise<readonly string[]>
  /** All of this and the issue itself by one GraphQL query. Absent: nothing but REST is asked. */
  dossier?: AskDossier
}

export type Feature = 'dependencies' | 'sub-issues'

/** `GitHub`'s one call: coded errors and a decoded answer. */
export type Call = <S extends z.ZodType>(
  route: string,
  parameters: Record<string, unknown>,
  schema: S,
  signal: AbortSignal,
) => Promise<{ data: z.infer<S>; headers: Record<string, unknown> }>

const maxPages = 5
const perPage = 100
/** Answers that are kept for their ETags. */
const maxAnswers = 1_000

const issueEvents = z.array(
  z.object({
    event: z.string().max(100).nullish(),
    actor: z.object({ login: z.string().max(100), type: z.string().max(100).nullish() }).nullish(),
    label: z.object({ name: z.string().nullish() }).nullish(),
    assignee: z.object({ login: z.string().max(100) }).nullish(),
    created_at: z.string().max(64).nullish(),
  }),
)
const permissionSchema = z.object({
  permission: z.string().max(100),
  role_name: z.string().max(100).nullish(),
  user: z.object({ permissions: z.object({ triage: z.boolean().optional() }).nullish() }).nullish(),
})
const issuesBefore = z.array(
  z.object({
    number: z.number().int().positive(),
    state: z.string(),
    html_url: z.string().max(2_048),
  }),
)
const routes: Readonly<Record<Feature, string>> = {
  dependencies: 'GET /repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by',
  'sub-issues': 'GET /repos/{owner}/{repo}/issues/{issue_number}/sub_issues',
}
const triaging: ReadonlySet<string> = new Set(['admin', 'maintain', 'write', 'triage'])

export function gateCalls(call: Call): GateCalls {
  const answers = new RecentMap<string, { etag: string; names: readonly string[] }>(maxAnswers)
  const at = (repo: string) => {
    const [owner = '', name = ''] = repo.split('/')
    return { owner, repo: name }
  }

  async function events(repo: string, number: number, page: number, signal: AbortSignal) {
    const parameters = { ...at(repo), issue_number: number, per_page: perPage, page }
    const route = 'GET /repos/{owner}/{repo}/issues/{issue_number}/events'
    return call(route, parameters, issueEvents, signal)
  }

  async function newest(
    repo: string,
    number: number,
    signal: AbortSignal,
    is: (one: z.infer<typeof issueEvents>[number]) => boolean,
  ) {
    const first = await events(repo, number, 1, signal)
    const last = lastPage(first.headers)
    for (let page = last; page > Math.max(0, last - maxPages); page -= 1) {
      const { data } = page === 1 ? first : await events(repo, number, page, signal)
      const found = data.findLast(is)
      if (found !== undefined) return found
    }
    return undefined
  }

  return {
    async labeledBy(repo, number, label, signal) {
      const change = await newest(
        repo,
        number,
        signal,
        (one) =>
          (one.event === 'labeled' || one.event === 'unlabeled') &&
          one.label?.name?.toLowerCase() === label.toLowerCase(),
      )
      if (change?.event !== 'labeled' || !change.actor) return undefined
      return { login: change.actor.login, bot: change.actor.type === 'Bot' }
    },
    async assignedAt(repo, number, login, signal) {
      const assigned = await newest(
        repo,
        number,
        signal,
        (one) =>
          one.event === 'assigned' && one.assignee?.login.toLowerCase() === login.toLowerCase(),
      )
      const at = Date.parse(assigned?.created_at ?? '')
      return Number.isNaN(at) ? undefined : at
    },
    async mayTriage(repo, login, signal) {
      const route = 'GET /repos/{owner}/{repo}/collaborators/{username}/permission'
      const parameters = { ...at(repo), username: login }
      const answer = await call(route, parameters, permissionSchema, signal).catch(absent)
      if (answer === undefined) return false
      const { permission, role_name, user } = answer.data
      return (
        triaging.has(permission) ||
        triaging.has(role_name ?? '') ||
        user?.permissions?.triage === true
      )
    },
    async openBefore(repo, number, feature, signal) {
      const key = `${feature} ${repo}#${number}`
      const old = answers.get(key)
      const parameters = {
        ...at(repo),
        issue_number: number,
        per_page: perPage,
        ...(old === undefined ? {} : { headers: { 'if-none-match': old.etag } }),
      }
      const answer = await call(routes[feature], parameters, issuesBefore, signal).catch(
        (error: unknown) => {
          if (error instanceof TasksError && error.data['status'] === 304) return undefined
          throw error
        },
      )
      if (answer === undefined) return old?.names ?? []
      const names = answer.data
        .filter(({ state }) => state === 'open')
        .map((one) => nameOf(one, repo))
      const etag = answer.headers['etag']
      if (typeof etag === 'string') answers.set(key, { etag, names })
      return names
    },
  }
}

function absent(error: unknown): undefined {
  if (error instanceof TasksError && error.code === 'GITHUB_NOT_FOUND') return undefined
  throw error
}

/** The number of the last page that the Link header names; 1 without one. */
function lastPage(headers: Record<string, unknown>): number {
  const links = String(headers['link'] ?? '').slice(0, 4_096)
  const last = links.split(',').find((link) => link.includes('rel="last"'))
  const page = Number(/[?&]page=(\d{1,6})/.exec(last ?? '')?.[1])
  return Number.isSafeInteger(page) && page > 0 ? page : 1
}

function nameOf(issue: { number: number; html_url: string }, repo: string): string {
  const named = /\/([\w.-]{1,100}\/[\w.-]{1,100})\/issues\/\d+$/.exec(issue.html_url)?.[1]
  const elsewhere = named !== undefined && named.toLowerCase() !== repo.toLowerCase()
  return `${elsewhere ? named : ''}#${issue.number}`
}
