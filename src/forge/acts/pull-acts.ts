/**
 * Pull requests follow their branches: after each push, and before each answer, the stored tips of
 * open ones are set to what the refs hold. `refs/pull/N/head` keeps their commits when the branch
 * goes.
 */
import { stamp, type Deps } from '../context.ts'
import type { Person } from '../git/commits.ts'
import type { Ref } from '../git/refs.ts'
import type { MergeMethod } from '../git/merge.ts'
import { emailOf } from '../shapes/git.ts'
import type { PullFacts } from '../shapes/pull.ts'
import type { PullIssue, RepoRow, UserRow } from '../store/rows.ts'
import { close, record } from './issue-acts.ts'
import { closes } from './keywords.ts'

export const person = (deps: Deps, user: UserRow): Person => ({
  name: user.login,
  email: emailOf(user),
  date: stamp(deps),
})

/** Sets open pull requests to the tips of their branches; one whose head branch is gone is closed. */
export async function syncPulls(deps: Deps, repo: RepoRow, actor?: UserRow): Promise<void> {
  const open = deps.store.pulls.all(repo.id, 'open')
  if (open.length === 0) return
  const dir = deps.dirOf(repo)
  const refs = await deps.git.refs.list(dir, 'refs/heads/')
  for (const pull of open) await syncPull(deps, repo, pull, refs, actor)
}

async function syncPull(
  deps: Deps,
  repo: RepoRow,
  pull: PullIssue,
  refs: readonly Ref[],
  actor: UserRow | undefined,
): Promise<void> {
  const tip = (branch: string) => refs.find(({ ref }) => ref === `refs/heads/${branch}`)?.sha
  const head = tip(pull.head_ref)
  const base = tip(pull.base_ref) ?? pull.base_sha
  if (head === undefined) {
    const on = { repo, issue: pull, actor: actor ?? deps.store.users.byId(pull.user_id) }
    if (deps.store.pulls.byIssue(pull.id)?.state !== 'open') return
    deps.store.transaction(() => {
      record(deps, on, 'head_ref_deleted')
      close(deps, on, null)
    })
    return
  }
  if (head === pull.head_sha && base === pull.base_sha) return
  deps.store.pulls.update(pull.id, { head_sha: head, base_sha: base })
  if (head === pull.head_sha) return
  deps.store.issues.update(pull.id, {}, stamp(deps))
  const by = actor ?? deps.store.users.byId(pull.user_id)
  const moved = { before: pull.head_sha, after: head }
  deps.hooks.issue({ repo, issue: pull, actor: by }, 'synchronize', moved)
  await keepHead(deps, repo, pull.number, head)
}

export async function keepHead(
  deps: Deps,
  repo: RepoRow,
  number: number,
  sha: string,
): Promise<void> {
  await deps.git.refs.set(deps.dirOf(repo), `refs/pull/${number}/head`, sha)
}

/** To be called after refs were written, by REST or by a push. */
export async function afterPush(deps: Deps, repo: RepoRow, actor?: UserRow): Promise<void> {
  deps.store.repos.touch(repo.id, stamp(deps), true)
  await deps.hooks.refs(repo, actor ?? deps.store.users.byId(repo.owner_id))
  await syncPulls(deps, repo, actor)
}

/** The commit from which a pull request's changes are counted. */
export async function startOf(deps: Deps, repo: RepoRow, pull: PullIssue): Promise<string> {
  const dir = deps.dirOf(repo)
  return (await deps.git.commits.mergeBase(dir, pull.base_sha, pull.head_sha)) ?? pull.base_sha
}

export async function factsOf(deps: Deps, repo: RepoRow, pull: PullIssue): Promise<PullFacts> {
  const dir = deps.dirOf(repo)
  const { base_sha: base, head_sha: head } = pull
  const [commits, files, merged] = await Promise.all([
    deps.git.commits.count(dir, [`${base}..${head}`]),
    startOf(deps, repo, pull).then((start) => deps.git.diffs.files(dir, start, head)),
    pull.state === 'open' ? deps.git.merges.tree(dir, base, head) : undefined,
  ])
  const sum = (of: 'additions' | 'deletions') => files.reduce((all, file) => all + file[of], 0)
  return {
    commits,
    additions: sum('additions'),
    deletions: sum('deletions'),
    files: files.length,
    mergeable: pull.state === 'open' ? merged !== undefined : null,
  }
}

export type MergeOutcome =
  | { merged: true; sha: string }
  | { merged: false; why: 'conflict' | 'head-changed' | 'base-changed' }

const MERGE_TRIES = 5

/** Merges, moves the base branch by compare-and-swap, closes the pull request and what it closes. */
export async function mergePull(
  deps: Deps,
  repo: RepoRow,
  pull: PullIssue,
  by: UserRow,
  how: { method: MergeMethod; message: string; head: string },
): Promise<MergeOutcome> {
  const dir = deps.dirOf(repo)
  const ref = `refs/heads/${pull.base_ref}`
  const author = person(deps, by)
  for (let attempt = 0; attempt < MERGE_TRIES; attempt += 1) {
    const base = (await deps.git.refs.get(dir, ref))?.sha ?? pull.base_sha
    const write = { ...how, base, author, committer: author }
    const sha = await deps.git.merges.write(dir, write)
    if (sha === undefined) return { merged: false, why: 'conflict' }
    const now = await deps.git.refs.get(dir, `refs/heads/${pull.head_ref}`)
    if (now?.sha !== how.head) return { merged: false, why: 'head-changed' }
    if (!(await deps.git.refs.swap(dir, ref, sha, base)).done) continue
    finishMerge(deps, repo, pull, by, { sha, base, head: how.head, message: how.message })
    await afterPush(deps, repo, by)
    return { merged: true, sha }
  }
  return { merged: false, why: 'base-changed' }
}

function finishMerge(
  deps: Deps,
  repo: RepoRow,
  pull: PullIssue,
  by: UserRow,
  done: { sha: string; base: string; head: string; message: string },
): void {
  const { store } = deps
  const on = { repo, issue: pull, actor: by }
  store.transaction(() => {
    store.pulls.update(pull.id, {
      merged_at: stamp(deps),
      merged_by: by.id,
      merge_commit_sha: done.sha,
      base_sha: done.base,
      head_sha: done.head,
    })
    record(deps, on, 'merged', {}, done.sha)
    close(deps, on, null)
    if (pull.base_ref !== repo.default_branch) return
    for (const number of closes(
      `${pull.body ?? ''}\n${done.message}`,
      `${repo.owner}/${repo.name}`,
    )) {
      const issue = store.issues.byNumber(repo.id, number)
      if (issue === undefined || issue.state === 'closed' || issue.is_pull === 1) continue
      record(deps, { ...on, issue }, 'referenced', {}, done.sha)
      close(deps, { ...on, issue }, 'completed', done.sha)
    }
  })
}
