/**
 * Issue events and the timeline. The API's event types are a union of thirty; the parts that they
 * share are built once and the event's own part is added.
 */
import type { EventData, EventRow, IssueRow, RepoRow } from '../store/rows.ts'
import { comment, issue, type View } from './issue.ts'
import { gitCommit, type CommitView } from './git.ts'
import { review } from './review.ts'
import type { Commit } from '../git/commits.ts'
import { nodeId } from './urls.ts'
import { simpleUser } from './user.ts'

export type EventShape = Record<string, unknown> & { event: string }

const dataOf = (row: EventRow): EventData => JSON.parse(row.data) as EventData

export function issueEvent(view: View, repo: RepoRow, row: EventRow): EventShape {
  const { store, urls } = view
  const data = dataOf(row)
  const person = (id: number) => simpleUser(urls, store.users.byId(id))
  const { label, assignee, assigner, rename, lock_reason, state_reason, requested_reviewer } = data
  return {
    id: row.id,
    node_id: nodeId('IssueEvent', row.id),
    url: `${urls.repo(repo)}/issues/events/${row.id}`,
    actor: person(row.actor_id),
    event: row.event,
    commit_id: row.commit_id,
    commit_url: row.commit_id === null ? null : `${urls.repo(repo)}/commits/${row.commit_id}`,
    created_at: row.created_at,
    performed_via_github_app: null,
    ...(label === undefined ? {} : { label }),
    ...(assignee === undefined ? {} : { assignee: person(assignee) }),
    ...(assigner === undefined ? {} : { assigner: person(assigner) }),
    ...(rename === undefined ? {} : { rename }),
    ...(lock_reason === undefined ? {} : { lock_reason }),
    ...(state_reason === undefined ? {} : { state_reason }),
    ...(requested_reviewer === undefined
      ? {}
      : {
          requested_reviewer: person(requested_reviewer),
          review_requester: person(row.actor_id),
        }),
  }
}

function crossReference(view: View, row: EventRow): EventShape | undefined {
  const { source } = dataOf(row)
  const from = source === undefined ? undefined : view.store.issues.byId(source)
  const repo = from === undefined ? undefined : view.store.repos.byId(from.repo_id)
  if (from === undefined || repo === undefined) return undefined
  return {
    event: 'cross-referenced',
    actor: simpleUser(view.urls, view.store.users.byId(row.actor_id)),
    created_at: row.created_at,
    updated_at: row.created_at,
    source: { type: 'issue', issue: issue(view, repo, from) },
  }
}

/** Everything that happened on an issue, oldest first; `commits` are those of a pull request. */
export function timeline(
  view: View,
  commitView: CommitView,
  repo: RepoRow,
  on: IssueRow,
  commits: readonly Commit[],
): EventShape[] {
  const { store } = view
  const items: { at: string; order: number; shape: EventShape }[] = []
  const add = (at: string, order: number, shape: EventShape | undefined) => {
    if (shape !== undefined) items.push({ at, order, shape })
  }
  commits.forEach((commit, order) =>
    add(commit.committer.date, order, {
      event: 'committed',
      ...gitCommit(commitView, repo, commit),
    }),
  )
  store.talk.events(on.id).forEach((row) => {
    const shape =
      row.event === 'cross-referenced' ? crossReference(view, row) : issueEvent(view, repo, row)
    add(row.created_at, 1_000 + row.id, shape)
  })
  store.talk.comments(on.id).forEach((row) => {
    const shape = comment(view, repo, on, row)
    add(row.created_at, 1_000 + row.id, { event: 'commented', actor: shape.user, ...shape })
  })
  store.pulls.reviews(on.id).forEach((row) => {
    if (row.submitted_at === null) return
    add(row.submitted_at, 1_000 + row.id, { event: 'reviewed', ...review(view, repo, on, row) })
  })
  return items
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.order - b.order))
    .map(({ shape }) => shape)
}
