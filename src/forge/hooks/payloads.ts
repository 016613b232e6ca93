/** What a webhook says, in GitHub's shapes. Each body is completed by who did it, and where. */
import type { Deps } from '../context.ts'
import type { Commit } from '../git/commits.ts'
import type { FileDiff } from '../git/diff.ts'
import { factsOf } from '../acts/pull-acts.ts'
import { checkRun } from '../shapes/check.ts'
import { commit } from '../shapes/git.ts'
import { issue } from '../shapes/issue.ts'
import { pull, pullSimple } from '../shapes/pull.ts'
import { repository } from '../shapes/repo.ts'
import { review } from '../shapes/review.ts'
import { nodeId } from '../shapes/urls.ts'
import { simpleUser } from '../shapes/user.ts'
import type {
  CheckRunRow,
  IssueRow,
  PullIssue,
  RepoRow,
  ReviewRow,
  StatusRow,
  UserRow,
} from '../store/rows.ts'

type Shape = Record<string, unknown>
const epoch = (instant: string) => Math.floor(Date.parse(instant) / 1_000)

export function repoShape(deps: Deps, repo: RepoRow): Shape {
  const { permissions: _, ...shape } = repository(deps, repo, 'read')
  return { ...shape, custom_properties: {} }
}

/** `repository`, `organization` and `sender` of each payload. */
export function surroundings(deps: Deps, repo: RepoRow, sender: UserRow): Shape {
  const { urls, store } = deps
  const owner = store.users.byId(repo.owner_id)
  const api = `${urls.api()}/orgs/${encodeURIComponent(owner.login)}`
  const organization = {
    login: owner.login,
    id: owner.id,
    node_id: nodeId('Organization', owner.id),
    url: api,
    repos_url: `${api}/repos`,
    events_url: `${api}/events`,
    hooks_url: `${api}/hooks`,
    issues_url: `${api}/issues`,
    members_url: `${api}/members{/member}`,
    public_members_url: `${api}/public_members{/member}`,
    avatar_url: simpleUser(urls, owner).avatar_url,
    description: '',
  }
  return {
    repository: repoShape(deps, repo),
    ...(owner.type === 'Organization' ? { organization } : {}),
    sender: simpleUser(urls, sender),
  }
}

/** `row` of a pull request, too: as the issue that it is. */
export const issueShape = (deps: Deps, repo: RepoRow, row: IssueRow): Shape => ({
  draft: false,
  ...issue(deps, repo, row),
})

/** A review; its state is in small letters here, other than over REST. */
export function reviewShape(deps: Deps, repo: RepoRow, on: IssueRow, row: ReviewRow): Shape {
  const shape = review(deps, repo, on, row)
  return {
    ...shape,
    body: row.body || null,
    state: row.state.toLowerCase(),
    submitted_at: row.submitted_at,
  }
}

/** What the records say now, with what git says a moment later. */
export async function pullShape(deps: Deps, repo: RepoRow, row: PullIssue): Promise<Shape> {
  const now = pullBrief(deps, repo, row)
  const facts = await factsOf(deps, repo, row)
  return { ...pull(deps, repo, row, undefined, facts), ...now }
}

/** A pull request as a review's payload has it: without what git says. */
export function pullBrief(deps: Deps, repo: RepoRow, row: PullIssue): Shape {
  const { head, base, ...shape } = pullSimple(deps, repo, row, undefined)
  const whole = repoShape(deps, repo)
  return { ...shape, head: { ...head, repo: whole }, base: { ...base, repo: whole } }
}

function pushCommit(deps: Deps, repo: RepoRow, commit: Commit, files: readonly FileDiff[]): Shape {
  const names = (...kinds: FileDiff['status'][]) =>
    files.filter(({ status }) => kinds.includes(status)).map(({ path }) => path)
  const person = ({ name, email, date }: Commit['author']) => ({ name, email, date })
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: commit.committer.date,
    url: `${deps.urls.page(repo)}/commit/${commit.sha}`,
    author: person(commit.author),
    committer: person(commit.committer),
    added: names('added', 'copied'),
    removed: names('removed'),
    modified: names('modified', 'changed', 'renamed'),
  }
}

/** Commits that one push names. */
const COMMITS = 50
export const ZERO_OID = '0'.repeat(40)

export async function pushShape(
  deps: Deps,
  repo: RepoRow,
  actor: UserRow,
  move: { ref: string; before: string; after: string },
): Promise<Shape> {
  const { git, urls } = deps
  const dir = deps.dirOf(repo)
  const { ref, before, after } = move
  const [created, gone] = [before === ZERO_OID, after === ZERO_OID]
  const range = created ? [after] : [`${before}..${after}`]
  const list = gone
    ? []
    : (await git.commits.log(dir, range, { limit: created ? 1 : COMMITS })).reverse()
  const commits = await Promise.all(
    list.map(async (commit) => {
      const parent = commit.parents[0] ?? (await git.trees.write(dir, undefined, []))
      return pushCommit(deps, repo, commit, await git.diffs.files(dir, parent, commit.sha))
    }),
  )
  const forced = !created && !gone && !(await git.refs.isAncestor(dir, before, after))
  const whole = repoShape(deps, repo)
  const owner = simpleUser(urls, deps.store.users.byId(repo.owner_id))
  return {
    ref,
    before,
    after,
    created,
    deleted: gone,
    forced,
    base_ref: null,
    compare: `${urls.page(repo)}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits: created ? [] : commits,
    head_commit: gone ? null : (commits.at(-1) ?? null),
    pusher: { name: actor.login, email: null },
    repository: {
      ...whole,
      owner: { ...owner, name: owner.login, email: null },
      created_at: epoch(repo.created_at),
      pushed_at: epoch(repo.pushed_at),
      url: urls.page(repo),
      stargazers: 0,
      master_branch: repo.default_branch,
    },
  }
}

/** Of a check run, what the list of runs leaves out: its suite and the App that it is said to be of. */
export function checkRunShape(deps: Deps, repo: RepoRow, row: CheckRunRow): Shape {
  const { urls } = deps
  const shape = checkRun(urls, repo, row)
  const time = row.started_at ?? ''
  const app = {
    id: 1,
    slug: 'forge',
    node_id: nodeId('Integration', 1),
    owner: simpleUser(urls, deps.store.users.byId(repo.owner_id)),
    name: 'forge',
    description: null,
    external_url: urls.base(),
    html_url: `${urls.base()}/apps/forge`,
    created_at: repo.created_at,
    updated_at: repo.created_at,
    permissions: { checks: 'write', metadata: 'read' },
    events: ['check_run'],
  }
  return {
    ...shape,
    external_id: row.external_id ?? '',
    details_url: row.details_url ?? urls.base(),
    app,
    check_suite: {
      id: row.id,
      node_id: nodeId('CheckSuite', row.id),
      head_branch: null,
      head_sha: row.head_sha,
      status: row.status,
      conclusion: row.conclusion,
      url: `${urls.repo(repo)}/check-suites/${row.id}`,
      before: null,
      after: null,
      pull_requests: [],
      app,
      created_at: time,
      updated_at: time,
    },
  }
}

export async function statusShape(deps: Deps, repo: RepoRow, row: StatusRow): Promise<Shape> {
  const { git, urls } = deps
  const dir = deps.dirOf(repo)
  const [found, refs] = await Promise.all([
    git.commits.one(dir, row.sha),
    git.refs.list(dir, 'refs/heads/'),
  ])
  const address = (sha: string) => ({ sha, url: `${urls.repo(repo)}/commits/${sha}` })
  return {
    id: row.id,
    sha: row.sha,
    name: `${repo.owner}/${repo.name}`,
    avatar_url: null,
    target_url: row.target_url,
    context: row.context,
    description: row.description,
    state: row.state,
    commit: found === undefined ? null : commit(deps, repo, found),
    branches: refs
      .filter(({ sha }) => sha === row.sha)
      .slice(0, 10)
      .map(({ ref, sha }) => ({
        name: ref.slice('refs/heads/'.length),
        commit: address(sha),
        protected: false,
      })),
    created_at: row.created_at,
    updated_at: row.created_at,
  }
}
