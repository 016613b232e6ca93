/**
 * What a token is and may do, asked without changing anything. Whether it may write is asked by calls
 * that lack what they need: GitHub looks at the permission first (403), then at the body (422). A label
 * stands for issues, since every reader may open an issue.
 */
import { z } from 'zod'
import { systemClock } from '../../util/index.ts'
import { createFormerNames } from '../claim/former-names.ts'
import { TasksError } from '../errors.ts'
import { asTasksError } from '../github/errors.ts'
import { createProbe, type Answer, type Probe, type ProbeInit } from '../github/probe.ts'

/** What the headers of any answer tell. */
export interface SiteFacts {
  /** GitHub's clock minus the own one, ms; null without a Date header. Exact to about a second. */
  skewMs: number | null
  latencyMs: number
  rateLimit: { limit: number; remaining: number; resetAtMs: number } | null
}

export interface AccountFacts extends SiteFacts {
  login: string
  /** When the token ends, as GitHub says it; null when it does not. */
  expires: string | null
  /** Of a classic token; null for others. */
  scopes: string | null
}

export interface RepositoryFacts {
  /** owner/name as GitHub spells it. */
  fullName: string
  cloneUrl: string
  defaultBranch: string
  archived: boolean
  hasIssues: boolean
  /** Null: GitHub answered in a way that tells nothing. */
  may: { contents: boolean | null; issues: boolean | null; pulls: boolean | null }
  /** Whether the login can be assigned. */
  assignable: boolean
  hasTrigger: boolean
}

const userSchema = z.object({ login: z.string().max(100) })
const repositorySchema = z.object({
  full_name: z.string().max(300),
  clone_url: z.url(),
  default_branch: z.string().max(255),
  archived: z.boolean().optional(),
  has_issues: z.boolean().optional(),
})
const limitSchema = z.object({
  limit: z.coerce.number().int(),
  remaining: z.coerce.number().int(),
  reset: z.coerce.number().int(),
})
const R = '/repos/{owner}/{repo}'

/** Errors: those of GitHub. */
export async function inspectAccount(
  init: ProbeInit,
  signal: AbortSignal,
  now: () => number = Date.now,
): Promise<AccountFacts> {
  const { answer, data, site } = await asked(init, 'GET /user', userSchema, signal, now)
  return {
    ...site,
    login: data.login,
    expires: header(answer, 'github-authentication-token-expiration'),
    scopes: header(answer, 'x-oauth-scopes'),
  }
}

/** For an App's token, which is nobody's: `GET /user` is closed to it. Errors: those of GitHub. */
export async function inspectLimits(
  init: ProbeInit,
  signal: AbortSignal,
  now: () => number = Date.now,
): Promise<SiteFacts> {
  return (await asked(init, 'GET /rate_limit', z.unknown(), signal, now)).site
}

async function asked<S extends z.ZodType>(
  init: ProbeInit,
  route: string,
  schema: S,
  signal: AbortSignal,
  now: () => number,
): Promise<{ answer: Answer; data: z.infer<S>; site: SiteFacts }> {
  const before = now()
  const answer = await createProbe(init).ask(route, {}, signal)
  const after = now()
  const data = decode(answer, schema, route, {})
  const date = Date.parse(header(answer, 'date') ?? '')
  const limit = limitSchema.safeParse({
    limit: answer.headers['x-ratelimit-limit'],
    remaining: answer.headers['x-ratelimit-remaining'],
    reset: answer.headers['x-ratelimit-reset'],
  }).data
  const site = {
    // The header has whole seconds, so its middle is half a second later.
    skewMs: Number.isNaN(date) ? null : Math.round(date + 500 - (before + after) / 2),
    latencyMs: Math.round(after - before),
    rateLimit:
      limit === undefined
        ? null
        : { limit: limit.limit, remaining: limit.remaining, resetAtMs: limit.reset * 1_000 },
  }
  return { answer, data, site }
}

function header({ headers }: Answer, name: string): string | null {
  const value = headers[name]
  return typeof value === 'string' ? value.slice(0, 300) : null
}

/** Whether a name is one that the repository, whose full name is `present`, had before. */
export function formerNames(
  init: ProbeInit,
  present: string,
  signal: AbortSignal,
): (name: string) => Promise<boolean> {
  const probe = createProbe(init)
  const route = `GET ${R}`
  const nameNow = async (name: string) => {
    const [owner = '', repo = ''] = name.split('/')
    const at = { owner, repo }
    return decode(await probe.ask(route, at, signal), repositorySchema, route, at).full_name
  }
  return createFormerNames(present, nameNow, systemClock)
}

/** Errors: those of GitHub, such as `GITHUB_NOT_FOUND`. */
export async function inspectRepository(
  init: ProbeInit & { repo: string; login: string; trigger: string },
  signal: AbortSignal,
): Promise<RepositoryFacts> {
  const { login, trigger } = init
  const [owner = '', repo = ''] = init.repo.split('/')
  const at = { owner, repo }
  const probe = createProbe(init)
  const route = `GET ${R}`
  const facts = decode(await probe.ask(route, at, signal), repositorySchema, route, at)
  const [assignee, label, contents, issues, pulls] = await Promise.all([
    probe.ask(`GET ${R}/assignees/{assignee}`, { ...at, assignee: login }, signal),
    probe.ask(`GET ${R}/labels/{name}`, { ...at, name: trigger }, signal),
    mayWrite(probe, `POST ${R}/git/refs`, at, signal),
    mayWrite(probe, `POST ${R}/labels`, at, signal),
    mayWrite(probe, `POST ${R}/pulls`, at, signal),
  ])
  return {
    fullName: facts.full_name,
    cloneUrl: facts.clone_url,
    defaultBranch: facts.default_branch,
    archived: facts.archived === true,
    hasIssues: facts.has_issues !== false,
    may: { contents, issues, pulls },
    assignable: assignee.status === 204,
    hasTrigger: label.status === 200,
  }
}

async function mayWrite(
  probe: Probe,
  route: string,
  at: object,
  signal: AbortSignal,
): Promise<boolean | null> {
  const { status } = await probe.ask(route, { ...at }, signal)
  if (status === 422 || status === 400) return true
  return status === 403 || status === 404 || status === 410 ? false : null
}

/** A refusal as the tasks would have it. */
function decode<S extends z.ZodType>(
  { status, headers, data, said }: Answer,
  schema: S,
  route: string,
  parameters: Record<string, unknown>,
): z.infer<S> {
  if (status >= 300)
    throw asTasksError({ status, message: said, response: { headers, data } }, route, parameters)
  const decoded = schema.safeParse(data)
  if (decoded.success) return decoded.data
  throw new TasksError('GITHUB_ANSWER', `${route} answered in an unknown form.`, {
    data: { route },
    next: 'Check that github.apiUrl names a GitHub API.',
  })
}
