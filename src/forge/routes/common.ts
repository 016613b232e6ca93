/** What the routes of a repository share. */
import { ApiError, deleted, movedTo, notFound } from '../api-error.ts'
import type { Ctx, Deps } from '../context.ts'
import type { IssueRow, PullIssue, RepoRow } from '../store/rows.ts'

export const R = '/repos/:owner/:repo'

/** A parameter of the path, decoded. */
export const param = (c: Ctx, name: string): string =>
  (c.req.param() as Record<string, string | undefined>)[name] ?? ''

/** A number of the path. Errors: 404 for anything else. */
export function idParam(c: Ctx, name: string): number {
  const text = param(c, name)
  if (!/^\d{1,15}$/.test(text)) throw notFound()
  return Number(text)
}

/**
 * Errors: 404; 410 for one that was deleted; 301 to the new place of one that was transferred, to
 * whoever may read there.
 */
export function issueOf(deps: Deps, c: Ctx, repo: RepoRow): IssueRow {
  const { issues, users, repos } = deps.store
  const number = idParam(c, 'issue_number')
  const issue = issues.byNumber(repo.id, number)
  if (issue !== undefined) return issue
  const gone = issues.gone(repo.id, number)
  if (gone === undefined) throw notFound()
  const moved = gone.moved_to === null ? undefined : issues.byId(gone.moved_to)
  if (moved === undefined) throw deleted()
  const there = repos.byId(moved.repo_id)
  if (there === undefined || users.roleIn(c.get('user'), there) === 'none') throw notFound()
  const [, tail = ''] = /\/issues\/\d+(\/.*)?$/.exec(c.req.path) ?? []
  throw movedTo(`${deps.urls.api()}/repositories/${there.id}/issues/${moved.number}${tail}`)
}

export function pullOf(deps: Deps, c: Ctx, repo: RepoRow): PullIssue {
  const pull = deps.store.pulls.byNumber(repo.id, idParam(c, 'pull_number'))
  if (pull === undefined) throw notFound()
  return pull
}

/** Errors: 404 when a branch, tag or SHA names no commit. */
export async function commitOf(deps: Deps, repo: RepoRow, revision: string): Promise<string> {
  const sha = await deps.git.refs.commitOf(deps.dirOf(repo), revision)
  if (sha === undefined) throw new ApiError(404, 'No commit found for SHA: ' + revision)
  return sha
}

/** Bare repositories that had a branch when last asked: none becomes empty again but by hand. */
const filled = new WeakMap<Deps, Set<number>>()

/** Errors: 409 as long as no branch exists; git data need a first commit, as on github.com. */
export async function notEmpty(deps: Deps, repo: RepoRow): Promise<void> {
  const known = filled.get(deps) ?? new Set<number>()
  filled.set(deps, known)
  if (known.has(repo.id)) return
  const refs = await deps.git.refs.list(deps.dirOf(repo), 'refs/heads/')
  if (refs.length === 0) throw new ApiError(409, 'Git Repository is empty.')
  known.add(repo.id)
}
