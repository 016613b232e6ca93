/**
 * Repositories and issues as GraphQL shows them. Each is an object whose lists are functions of
 * their arguments, so that only what is asked for is read.
 */
import { atLeast } from '../auth.ts'
import type { Deps } from '../context.ts'
import { issuePage } from '../shapes/issue.ts'
import { nodeId } from '../shapes/urls.ts'
import type { EventData, EventRow, IssueRow, RepoRow, UserRow } from '../store/rows.ts'
import type { ForgeRole } from '../types.ts'
import { connection, type PageArgs } from './connection.ts'
import { GraphqlError } from './error.ts'

type Node = Record<string, unknown>
/** For whom the answer is. */
export type Viewer = { deps: Deps; user: UserRow }

const PERMISSIONS: Record<ForgeRole, string> = {
  none: 'READ',
  read: 'READ',
  triage: 'TRIAGE',
  push: 'WRITE',
  admin: 'ADMIN',
}
/** An App's login has no `[bot]` here, unlike in REST. */
const plainLogin = ({ login, type }: UserRow) =>
  type === 'Bot' ? login.replace(/\[bot\]$/, '') : login

/** Null for an account that is gone, as on github.com. */
function actor(user: UserRow): Node | null {
  if (user.id === 0) return null
  return { __typename: user.type, id: nodeId('User', user.id), login: plainLogin(user) }
}

const sees = ({ deps, user }: Viewer, repo: RepoRow, need: ForgeRole) =>
  atLeast(deps.store.users.roleIn(user, repo), need)

export function repositoryNode(viewer: Viewer, repo: RepoRow): Node {
  const { store } = viewer.deps
  return {
    id: nodeId('Repository', repo.id),
    nameWithOwner: `${repo.owner}/${repo.name}`,
    issue: ({ number }: { number: number }) => {
      const row = store.issues.byNumber(repo.id, number)
      if (row === undefined || row.is_pull === 1)
        throw new GraphqlError(
          'NOT_FOUND',
          `Could not resolve to an Issue with the number of ${number}.`,
        )
      return issueNode(viewer, repo, row)
    },
    collaborators: (args: PageArgs) => {
      if (!sees(viewer, repo, 'push'))
        throw new GraphqlError(
          'FORBIDDEN',
          'You do not have permission to view repository collaborators.',
        )
      const people = store.users
        .all()
        .map((user) => ({ user, role: store.users.roleIn(user, repo) }))
        .filter(({ user, role }) => user.type === 'User' && atLeast(role, 'triage'))
      const { nodes, ...rest } = connection('collaborators', people, args)
      return {
        ...rest,
        nodes: nodes.map(({ user }) => actor(user)),
        edges: nodes.map(({ user, role }) => ({
          node: actor(user),
          permission: PERMISSIONS[role],
        })),
      }
    },
  }
}

export function issueNode(viewer: Viewer, repo: RepoRow, row: IssueRow): Node {
  const { store, urls } = viewer.deps
  const mapped = <T>(name: string, all: readonly T[], args: PageArgs, map: (one: T) => unknown) => {
    const page = connection(name, all, args)
    return { ...page, nodes: page.nodes.map(map) }
  }
  const assigned = () => store.issues.assignees(row.id)
  const people = () => assigned().filter(({ type }) => type === 'User')
  return {
    id: nodeId('Issue', row.id),
    databaseId: row.id,
    number: row.number,
    title: row.title,
    body: row.body ?? '',
    state: row.state.toUpperCase(),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    url: issuePage(urls, repo, row),
    repository: () => repositoryNode(viewer, repo),
    author: () => actor(store.users.byId(row.user_id)),
    comments: () => ({ totalCount: store.talk.countComments(row.id) }),
    labels: (args: PageArgs) =>
      mapped('labels', store.labels.of(row.id), args, ({ id, name }) => ({
        id: nodeId('Label', id),
        name,
      })),
    assignees: (args: PageArgs) => mapped('assignees', people(), args, actor),
    assignedActors: (args: PageArgs) => mapped('assignedActors', assigned(), args, actor),
    timelineItems: (args: PageArgs & { itemTypes?: string[] | null }) => {
      const wanted = args.itemTypes ?? ['LABELED_EVENT', 'UNLABELED_EVENT']
      const rows = store.talk
        .events(row.id)
        .filter(({ event }) => wanted.includes(`${event.toUpperCase()}_EVENT`))
      return mapped('timelineItems', rows, args, (event) => labelEvent(viewer, event))
    },
    ...relationsOf(viewer, row),
  }
}

function labelEvent({ deps }: Viewer, row: EventRow): Node {
  const { label } = JSON.parse(row.data) as EventData
  const name = label?.name ?? ''
  return {
    __typename: row.event === 'labeled' ? 'LabeledEvent' : 'UnlabeledEvent',
    id: nodeId('IssueEvent', row.id),
    createdAt: row.created_at,
    actor: () => actor(deps.store.users.byId(row.actor_id)),
    label: { id: nodeId('Label', name), name },
  }
}

function relationsOf(viewer: Viewer, row: IssueRow): Node {
  const { relations, repos } = viewer.deps.store
  if (relations === undefined) return {}
  const [blockers, blocked, parts] = [
    () => relations.blockers(row.id),
    () => relations.blocked(row.id),
    () => relations.parts(row.id),
  ]
  const open = (rows: readonly IssueRow[]) => rows.filter(({ state }) => state === 'open').length
  const issues = (name: string, rows: readonly IssueRow[], args: PageArgs) => {
    const shown = rows.flatMap((each) => {
      const repo = repos.byId(each.repo_id)
      return repo === undefined || !sees(viewer, repo, 'read') ? [] : [{ repo, row: each }]
    })
    const page = connection(name, shown, args)
    return { ...page, nodes: page.nodes.map((each) => issueNode(viewer, each.repo, each.row)) }
  }
  return {
    blockedBy: (args: PageArgs) => issues('blockedBy', blockers(), args),
    subIssues: (args: PageArgs) => issues('subIssues', parts(), args),
    issueDependenciesSummary: () => ({
      blockedBy: open(blockers()),
      totalBlockedBy: blockers().length,
      blocking: open(blocked()),
      totalBlocking: blocked().length,
    }),
    subIssuesSummary: () => {
      const [total, left] = [parts().length, open(parts())]
      const completed = total - left
      const percentCompleted = total === 0 ? 0 : Math.floor((completed / total) * 100)
      return { total, completed, percentCompleted }
    },
  }
}
