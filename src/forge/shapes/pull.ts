/** Pull requests as the API shows them: short in lists, full with what git says about them. */
import type { components } from '@octokit/openapi-types'
import type { PullIssue, RepoRow, UserRow } from '../store/rows.ts'
import { authorAssociation, label, type View } from './issue.ts'
import { repository } from './repo.ts'
import { nodeId } from './urls.ts'
import { simpleUser } from './user.ts'

type Schemas = components['schemas']

/** What only git knows. */
export interface PullFacts {
  commits: number
  additions: number
  deletions: number
  files: number
  /** Null once closed. */
  mergeable: boolean | null
}

export function pullSimple(view: View, repo: RepoRow, row: PullIssue, caller: UserRow | undefined) {
  const { store, urls } = view
  const api = urls.repo(repo)
  const url = `${api}/pulls/${row.number}`
  const issueUrl = `${api}/issues/${row.number}`
  const page = `${urls.page(repo)}/pull/${row.number}`
  const user = store.users.byId(row.user_id)
  const owner = simpleUser(urls, store.users.byId(repo.owner_id))
  const whole = repository(view, repo, store.users.roleIn(caller, repo))
  const assignees = store.issues.assignees(row.id).map((person) => simpleUser(urls, person))
  const end = (ref: string, sha: string) => ({
    label: `${repo.owner}:${ref}`,
    ref,
    sha,
    user: owner,
    repo: whole,
  })
  const link = (href: string) => ({ href })
  return {
    id: row.id,
    node_id: nodeId('PullRequest', row.id),
    url,
    html_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    issue_url: issueUrl,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    comments_url: `${issueUrl}/comments`,
    statuses_url: `${api}/statuses/${row.head_sha}`,
    number: row.number,
    state: row.state,
    locked: row.locked === 1,
    title: row.title,
    user: simpleUser(urls, user),
    body: row.body,
    labels: store.labels.of(row.id).map((each) => {
      const {
        id,
        node_id,
        url,
        name,
        description,
        color,
        default: standard,
      } = label(urls, repo, each)
      return { id, node_id, url, name, description: description ?? '', color, default: standard }
    }),
    milestone: null,
    active_lock_reason: row.lock_reason,
    created_at: row.created_at,
    updated_at: row.updated_at,
    closed_at: row.closed_at,
    merged_at: row.merged_at,
    merge_commit_sha: row.merge_commit_sha,
    assignee: assignees[0] ?? null,
    assignees,
    requested_reviewers: store.pulls.requested(row.id).map((person) => simpleUser(urls, person)),
    requested_teams: [],
    head: end(row.head_ref, row.head_sha),
    base: end(row.base_ref, row.base_sha),
    _links: {
      self: link(url),
      html: link(page),
      issue: link(issueUrl),
      comments: link(`${issueUrl}/comments`),
      review_comments: link(`${url}/comments`),
      review_comment: link(`${api}/pulls/comments{/number}`),
      commits: link(`${url}/commits`),
      statuses: link(`${api}/statuses/${row.head_sha}`),
    },
    author_association: authorAssociation(view, repo, user),
    auto_merge: null,
    draft: row.draft === 1,
  } satisfies Schemas['pull-request-simple']
}

export function pull(
  view: View,
  repo: RepoRow,
  row: PullIssue,
  caller: UserRow | undefined,
  facts: PullFacts,
): Schemas['pull-request'] {
  const { store, urls } = view
  return {
    ...pullSimple(view, repo, row, caller),
    state: row.state,
    user: simpleUser(urls, store.users.byId(row.user_id)),
    merged: row.merged_at !== null,
    mergeable: facts.mergeable,
    rebaseable: facts.mergeable,
    mergeable_state:
      facts.mergeable === null
        ? 'unknown'
        : !facts.mergeable
          ? 'dirty'
          : row.draft === 1
            ? 'draft'
            : isUnstable(view, repo, row)
              ? 'unstable'
              : 'clean',
    merged_by: row.merged_by === null ? null : simpleUser(urls, store.users.byId(row.merged_by)),
    comments: store.talk.countComments(row.id),
    review_comments: store.pulls.comments(row.id).length,
    maintainer_can_modify: row.maintainer_can_modify === 1,
    commits: facts.commits,
    additions: facts.additions,
    deletions: facts.deletions,
    changed_files: facts.files,
  }
}

/** It can be merged, but a check has not passed, or not yet. */
function isUnstable({ store }: View, repo: RepoRow, { head_sha }: PullIssue): boolean {
  const good = ['success', 'neutral', 'skipped']
  const runs = store.checks.runs(repo.id, head_sha)
  const newest = runs.filter(
    ({ id, name }) => !runs.some((other) => other.name === name && other.id > id),
  )
  const statuses = store.checks.statuses(repo.id, head_sha)
  const latest = statuses.filter(
    ({ context }, at) => statuses.findIndex((other) => other.context === context) === at,
  )
  return (
    newest.some(({ conclusion }) => !good.includes(conclusion ?? '')) ||
    latest.some(({ state }) => state !== 'success')
  )
}
