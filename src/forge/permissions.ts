/**
 * What a limited token – of an App's installation, or fine-grained – needs for a request. GitHub
 * names it in `x-accepted-github-permissions`; where one of several permissions is enough, each is
 * listed. What anybody may read of a public repository needs none.
 */
import type { MiddlewareHandler } from 'hono'
import { ApiError } from './api-error.ts'
import type { Deps, Env } from './context.ts'
import type { Grant, RepoRow, UserRow } from './store/rows.ts'
import type { ForgePermissionName } from './types.ts'

export interface Need {
  name: ForgePermissionName
  level: 'read' | 'write'
}

type Rule = readonly [path: RegExp, ...names: ForgePermissionName[]]

/** The path below the repository; the first that matches counts. */
const RULES: readonly Rule[] = [
  [/^\/(issues|labels|assignees)(\/|$)/, 'issues', 'pull_requests'],
  [/^\/pulls\/\d+\/merge$/, 'contents'],
  [/^\/pulls(\/|$)/, 'pull_requests'],
  [/^\/check-runs(\/|$)|^\/commits\/.+\/check-runs$/, 'checks'],
  [/^\/statuses(\/|$)|^\/commits\/.+\/status(es)?$/, 'statuses'],
  [/^\/(git|contents|readme|branches|commits|compare)(\/|$)/, 'contents'],
  [/^\/hooks(\/|$)/, 'repository_hooks'],
  [/^\/collaborators\/[^/]+\/permission$/, 'metadata'],
  [/^\/collaborators(\/|$)/, 'metadata', 'administration'],
]
const REPOSITORY = /^\/repos\/([^/]+)\/([^/]+)(\/.*)?$/
/** What only a person has. */
const PERSONAL = /^\/user(\/|$)/
const RANK = { none: 0, read: 1, write: 2 }

export const grants = (grant: Grant | undefined, { name, level }: Need): boolean => {
  const own = grant?.permissions
  if (own === undefined || own === null) return true
  const has = name === 'metadata' ? (own.metadata ?? 'read') : (own[name] ?? 'none')
  return RANK[has] >= RANK[level]
}

export const refusal = (grant: Grant | undefined): string =>
  `Resource not accessible by ${typeof grant?.installation === 'number' ? 'integration' : 'personal access token'}`

/** The alternatives of which one is needed; none: the token's bearer may. */
export function needsOf(method: string, rest: string, isPull: boolean): readonly Need[] {
  const level = method === 'GET' || method === 'HEAD' ? 'read' : 'write'
  const rule = RULES.find(([path]) => path.test(rest))
  if (rule === undefined) return [{ name: level === 'read' ? 'metadata' : 'administration', level }]
  const [, ...names] = rule
  // An issue that is no pull request asks for `issues` alone.
  const onIssue = /^\/issues(\/\d+(\/.*)?)?$/.test(rest) && !isPull
  return (onIssue ? names.slice(0, 1) : names).map((name) => ({ name, level }))
}

function denied(grant: Grant, needs: readonly Need[]): ApiError {
  const accepted = needs.map(({ name, level }) => `${name}=${level}`).join('; ')
  return new ApiError(403, refusal(grant), undefined, { 'x-accepted-github-permissions': accepted })
}

/** Errors: 403 unless the token grants one of `needs`, or it is a read of what is public. */
export function demand(user: UserRow | undefined, repo: RepoRow, ...needs: Need[]): void {
  const grant = user?.grant
  if (grant === undefined || needs.some((need) => grants(grant, need))) return
  if (repo.private === 0 && needs.every(({ level }) => level === 'read')) return
  throw denied(grant, needs)
}

/** Refuses what the token is not for before a handler sees the request. */
export function enforcePermissions({ store }: Deps): MiddlewareHandler<Env> {
  return async (c, next) => {
    const user = c.get('user')
    if (user?.grant === undefined) return next()
    const { path, method } = c.req
    if (PERSONAL.test(path) && user.grant.installation !== null) throw denied(user.grant, [])
    const [, owner = '', name = '', rest = ''] = REPOSITORY.exec(path) ?? []
    const repo = store.repos.byName(decoded(owner), decoded(name))
    // A repository that the token is not for is the matter of `roleIn`.
    if (repo === undefined || store.users.roleIn(user, repo) === 'none') return next()
    const number = /^\/issues\/(\d{1,15})(\/|$)/.exec(rest)?.[1]
    const issue = number === undefined ? undefined : store.issues.byNumber(repo.id, Number(number))
    demand(user, repo, ...needsOf(method, rest, issue?.is_pull === 1))
    await next()
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
