/** `transferIssue` and `deleteIssue`: what GitHub has in GraphQL only. */
import { z } from 'zod'
import { deleteIssue, transferIssue } from '../acts/gone-acts.ts'
import { atLeast } from '../auth.ts'
import type { Deps } from '../context.ts'
import { grants, refusal } from '../permissions.ts'
import { nodeId } from '../shapes/urls.ts'
import type { IssueRow, RepoRow, UserRow } from '../store/rows.ts'
import type { ForgeRole } from '../types.ts'
import { GraphqlError } from './error.ts'
import { issueNode, repositoryNode, type Viewer } from './nodes.ts'

const id = z.string().max(200)
const client = z.string().max(1_000).nullish()
export const transferInput = z.strictObject({
  issueId: id,
  repositoryId: id,
  createLabelsIfMissing: z.boolean().nullish(),
  clientMutationId: client,
})
export const deleteInput = z.strictObject({ issueId: id, clientMutationId: client })

const missing = (node: string) =>
  new GraphqlError('NOT_FOUND', `Could not resolve to a node with the global id of '${node}'`)

function found(deps: Deps, user: UserRow, node: string): { repo: RepoRow; issue: IssueRow } {
  const [, number = ''] = /^Issue:(\d{1,15})$/.exec(Buffer.from(node, 'base64').toString()) ?? []
  const issue = number === '' ? undefined : deps.store.issues.byId(Number(number))
  const repo = issue === undefined ? undefined : deps.store.repos.byId(issue.repo_id)
  if (issue === undefined || repo === undefined || issue.is_pull === 1) throw missing(node)
  if (!atLeast(deps.store.users.roleIn(user, repo), 'read')) throw missing(node)
  return { repo, issue }
}

function demand(deps: Deps, user: UserRow, repo: RepoRow, need: ForgeRole): void {
  if (!grants(user.grant, { name: 'issues', level: 'write' }))
    throw new GraphqlError('FORBIDDEN', refusal(user.grant))
  if (atLeast(deps.store.users.roleIn(user, repo), need)) return
  throw new GraphqlError(
    'FORBIDDEN',
    `${user.login} does not have the correct permissions to execute this.`,
  )
}

/** The issue in its new place. Errors: `GraphqlError`. */
export function transfer(viewer: Viewer, input: z.infer<typeof transferInput>) {
  const { deps, user } = viewer
  const { repo, issue } = found(deps, user, input.issueId)
  const to = deps.store.repos
    .all()
    .find((each) => nodeId('Repository', each.id) === input.repositoryId)
  if (to === undefined || !atLeast(deps.store.users.roleIn(user, to), 'read'))
    throw missing(input.repositoryId)
  for (const each of [repo, to]) demand(deps, user, each, 'push')
  if (to.id === repo.id || to.owner_id !== repo.owner_id)
    throw new GraphqlError(
      'UNPROCESSABLE',
      'An issue can be transferred to another repository of the same owner only.',
    )
  if (repo.private === 1 && to.private === 0)
    throw new GraphqlError(
      'UNPROCESSABLE',
      'An issue of a private repository cannot be transferred to a public one.',
    )
  const made = transferIssue(
    deps,
    { repo, issue, actor: user },
    to,
    input.createLabelsIfMissing === true,
  )
  return issueNode(viewer, to, made)
}

/** Errors: `GraphqlError`. */
export function remove(viewer: Viewer, input: z.infer<typeof deleteInput>) {
  const { deps, user } = viewer
  const { repo, issue } = found(deps, user, input.issueId)
  demand(deps, user, repo, 'admin')
  deleteIssue(deps, { repo, issue, actor: user })
  return repositoryNode(viewer, repo)
}
