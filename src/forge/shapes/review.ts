/** Reviews and review comments as the API shows them. */
import type { components } from '@octokit/openapi-types'
import type { IssueRow, RepoRow, ReviewCommentRow, ReviewRow } from '../store/rows.ts'
import { authorAssociation, type View } from './issue.ts'
import { nodeId } from './urls.ts'
import { simpleUser } from './user.ts'

type Schemas = components['schemas']

export function review(
  view: View,
  repo: RepoRow,
  on: Pick<IssueRow, 'number'>,
  row: ReviewRow,
): Schemas['pull-request-review'] {
  const { store, urls } = view
  const user = store.users.byId(row.user_id)
  const page = `${urls.page(repo)}/pull/${on.number}#pullrequestreview-${row.id}`
  const pull = `${urls.repo(repo)}/pulls/${on.number}`
  return {
    id: row.id,
    node_id: nodeId('PullRequestReview', row.id),
    user: simpleUser(urls, user),
    body: row.body,
    state: row.state,
    html_url: page,
    pull_request_url: pull,
    _links: { html: { href: page }, pull_request: { href: pull } },
    ...(row.submitted_at === null ? {} : { submitted_at: row.submitted_at }),
    commit_id: row.commit_id,
    author_association: authorAssociation(view, repo, user),
  }
}

export function reviewComment(
  view: View,
  repo: RepoRow,
  on: Pick<IssueRow, 'number'>,
  row: ReviewCommentRow,
): Schemas['pull-request-review-comment'] {
  const { store, urls } = view
  const user = store.users.byId(row.user_id)
  const self = `${urls.repo(repo)}/pulls/comments/${row.id}`
  const page = `${urls.page(repo)}/pull/${on.number}#discussion_r${row.id}`
  const pull = `${urls.repo(repo)}/pulls/${on.number}`
  return {
    id: row.id,
    node_id: nodeId('PullRequestReviewComment', row.id),
    url: self,
    pull_request_review_id: row.review_id,
    diff_hunk: row.diff_hunk,
    path: row.path,
    ...(row.line === null ? {} : { line: row.line, original_line: row.line }),
    side: row.side,
    commit_id: row.commit_id,
    original_commit_id: row.commit_id,
    user: simpleUser(urls, user),
    body: row.body,
    created_at: row.created_at,
    updated_at: row.updated_at,
    html_url: page,
    pull_request_url: pull,
    author_association: authorAssociation(view, repo, user),
    _links: { self: { href: self }, html: { href: page }, pull_request: { href: pull } },
    ...(row.reply_to === null ? {} : { in_reply_to_id: row.reply_to }),
  }
}
