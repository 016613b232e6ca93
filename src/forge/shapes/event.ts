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

/** Events that stand in the timeline only, not in the list of events; as on github.com. */
export const listed = (row: Pick<EventRow, 'event'>): boolean =>
  !['cross-referenced', 'commented', 'reviewed'].includes(row.event)

function said(view: View, repo: RepoRow, on: IssueRow, row: EventRow): EventShape | undefined {
  const { comment: commentId, review: reviewId } = dataOf(row)
  if (row.event === 'commented') {
    const found = commentId === undefined ? undefined : view.store.talk.comment(commentId)
    if (found === undefined) return undefined
    const shape = comment(view, repo, on, found)
    return { event: 'commented', actor: shape.user, ...shape }
  }
  const found = reviewId === undefined ? undefined : view.store.pulls.review(reviewId)
  return found === undefined ? undefined : { event: 'reviewed', ...review(view, repo, on, found) }
}

/** Everything that happened on an issue, oldest first; `commits` are those of a pull request, oldest first. */
export function timeline(
  view: View,
  commitView: CommitView,
  repo: RepoRow,
  on: IssueRow,
  commits: readonly Commit[],
): EventShape[] {
  const shapes: EventShape[] = []
  const waiting = [...commits]
  const addCommits = (until: string) => {
    while (waiting[0] !== undefined && waiting[0].committer.date <= until) {
      const shape = gitCommit(commitView, repo, waiting[0])
      shapes.push({ event: 'committed', ...shape })
      waiting.shift()
    }
  }
  for (const row of view.store.talk.events(on.id)) {
    addCommits(row.created_at)
    const shape =
      row.event === 'cross-referenced'
        ? crossReference(view, row)
        : listed(row)
          ? issueEvent(view, repo, row)
          : said(view, repo, on, row)
    if (shape !== undefined) shapes.push(shape)
  }
  addCommits('9999')
  return shapes
}
