/** Issues, labels, comments and reactions as the API shows them. */
import type { components } from '@octokit/openapi-types'
import type { Deps } from '../context.ts'
import type {
  CommentRow,
  IssueRow,
  LabelRow,
  ReactionRow,
  RepoRow,
  UserRow,
} from '../store/rows.ts'
import { nodeId, type Urls } from './urls.ts'
import { association, simpleUser, type Association } from './user.ts'

type Schemas = components['schemas']
export type View = Pick<Deps, 'store' | 'urls'>

export function label(urls: Urls, repo: RepoRow, row: LabelRow): Schemas['label'] {
  return {
    id: row.id,
    node_id: nodeId('Label', row.id),
    url: `${urls.repo(repo)}/labels/${encodeURIComponent(row.name)}`,
    name: row.name,
    description: row.description,
    color: row.color,
    default: row.is_default === 1,
  }
}

export const authorAssociation = ({ store }: View, repo: RepoRow, user: UserRow): Association =>
  association(user, store.users.roleIn(user, repo), repo.owner_id)

export const REACTIONS = [
  '+1',
  '-1',
  'laugh',
  'hooray',
  'confused',
  'heart',
  'rocket',
  'eyes',
] as const

export function rollup(
  { store }: View,
  subject: ReactionRow['subject'],
  id: number,
  url: string,
): Schemas['reaction-rollup'] {
  const rows = store.talk.reactions(subject, id)
  const count = (content: string) => rows.filter((row) => row.content === content).length
  return {
    url: `${url}/reactions`,
    total_count: rows.length,
    '+1': count('+1'),
    '-1': count('-1'),
    laugh: count('laugh'),
    hooray: count('hooray'),
    confused: count('confused'),
    heart: count('heart'),
    rocket: count('rocket'),
    eyes: count('eyes'),
  }
}

export function reaction({ store, urls }: View, row: ReactionRow): Schemas['reaction'] {
  return {
    id: row.id,
    node_id: nodeId('Reaction', row.id),
    user: simpleUser(urls, store.users.byId(row.user_id)),
    content: row.content as Schemas['reaction']['content'],
    created_at: row.created_at,
  }
}

export const issuePage = (urls: Urls, repo: RepoRow, row: Pick<IssueRow, 'is_pull' | 'number'>) =>
  `${urls.page(repo)}/${row.is_pull === 1 ? 'pull' : 'issues'}/${row.number}`

function summaries({ store: { relations } }: View, id: number) {
  if (relations === undefined) return {}
  const [blockers, blocked, parts] = [
    relations.blockers(id),
    relations.blocked(id),
    relations.parts(id),
  ]
  const open = (rows: readonly IssueRow[]) => rows.filter(({ state }) => state === 'open').length
  const completed = parts.length - open(parts)
  return {
    sub_issues_summary: {
      total: parts.length,
      completed,
      percent_completed: parts.length === 0 ? 0 : Math.floor((completed / parts.length) * 100),
    },
    issue_dependencies_summary: {
      blocked_by: open(blockers),
      total_blocked_by: blockers.length,
      blocking: open(blocked),
      total_blocking: blocked.length,
    },
  }
}

export function issue(view: View, repo: RepoRow, row: IssueRow): Schemas['issue'] {
  const { store, urls } = view
  const url = `${urls.repo(repo)}/issues/${row.number}`
  const user = store.users.byId(row.user_id)
  const assignees = store.issues.assignees(row.id).map((person) => simpleUser(urls, person))
  const pull = row.is_pull === 1 ? store.pulls.byIssue(row.id) : undefined
  const page = issuePage(urls, repo, row)
  const closer = row.closed_by === null ? null : simpleUser(urls, store.users.byId(row.closed_by))
  return {
    id: row.id,
    node_id: nodeId('Issue', row.id),
    url,
    repository_url: urls.repo(repo),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: page,
    number: row.number,
    state: row.state,
    state_reason: row.state_reason,
    title: row.title,
    body: row.body,
    user: simpleUser(urls, user),
    labels: store.labels.of(row.id).map((each) => label(urls, repo, each)),
    assignee: assignees[0] ?? null,
    assignees,
    milestone: null,
    locked: row.locked === 1,
    active_lock_reason: row.lock_reason,
    comments: store.talk.countComments(row.id),
    closed_at: row.closed_at,
    created_at: row.created_at,
    updated_at: row.updated_at,
    closed_by: closer,
    author_association: authorAssociation(view, repo, user),
    reactions: rollup(view, 'issue', row.id, url),
    timeline_url: `${url}/timeline`,
    performed_via_github_app: null,
    ...summaries(view, row.id),
    ...(pull === undefined
      ? {}
      : {
          draft: pull.draft === 1,
          pull_request: {
            url: `${urls.repo(repo)}/pulls/${row.number}`,
            html_url: page,
            diff_url: `${page}.diff`,
            patch_url: `${page}.patch`,
            merged_at: pull.merged_at,
          },
        }),
  }
}

export function comment(
  view: View,
  repo: RepoRow,
  on: IssueRow,
  row: CommentRow,
): Schemas['issue-comment'] {
  const { store, urls } = view
  const url = `${urls.repo(repo)}/issues/comments/${row.id}`
  const user = store.users.byId(row.user_id)
  return {
    id: row.id,
    node_id: nodeId('IssueComment', row.id),
    url,
    html_url: `${issuePage(urls, repo, on)}#issuecomment-${row.id}`,
    issue_url: `${urls.repo(repo)}/issues/${on.number}`,
    body: row.body,
    user: simpleUser(urls, user),
    created_at: row.created_at,
    updated_at: row.updated_at,
    author_association: authorAssociation(view, repo, user),
    performed_via_github_app: null,
    reactions: rollup(view, 'comment', row.id, url),
  }
}
