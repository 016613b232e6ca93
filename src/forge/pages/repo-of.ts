/** The repository of a page's path, for who may read it. A browser signs in with HTTP Basic at /-/login. */
import { notFound } from '../api-error.ts'
import { access } from '../auth.ts'
import type { Ctx, Deps } from '../context.ts'
import { param } from '../routes/common.ts'
import type { RepoRow } from '../store/rows.ts'

/** Errors: 404. */
export const repoOf = (deps: Deps, c: Ctx): { repo: RepoRow; dir: string } => {
  const { repo } = access(deps, c, 'read')
  return { repo, dir: deps.dirOf(repo) }
}

export interface Place {
  /** Branch, tag or SHA as in the address. */
  ref: string
  commit: string
  path: string
}

/** Splits `branch/with/slashes/path` of the address at the longest name that is a ref. Errors: 404. */
export async function placeOf(deps: Deps, c: Ctx, repo: RepoRow): Promise<Place> {
  const rest = param(c, 'rest').replace(/\/+$/, '')
  const refs = await deps.git.refs.list(deps.dirOf(repo), 'refs/heads/', 'refs/tags/')
  const names = refs.map(({ ref }) => ref.replace(/^refs\/(heads|tags)\//, ''))
  const named = names
    .filter((name) => rest === name || rest.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length)[0]
  const ref = named ?? rest.split('/')[0] ?? ''
  const commit = await deps.git.refs.commitOf(deps.dirOf(repo), ref)
  if (commit === undefined) throw notFound()
  return { ref, commit, path: rest.slice(ref.length + 1) }
}
