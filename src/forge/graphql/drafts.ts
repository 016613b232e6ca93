/** `markPullRequestReadyForReview` and `convertPullRequestToDraft`: what GitHub has in GraphQL only. */
import { z } from 'zod'
import { record } from '../acts/issue-acts.ts'
import { atLeast } from '../auth.ts'
import { stamp, type Deps } from '../context.ts'
import { grants, refusal } from '../permissions.ts'
import { nodeId } from '../shapes/urls.ts'
import type { UserRow } from '../store/rows.ts'
import { GraphqlError } from './error.ts'

export const draftInput = z.strictObject({
  pullRequestId: z.string().max(200),
  clientMutationId: z.string().max(1_000).nullish(),
})

/** Sets whether it is a draft; it may be one already. Errors: `GraphqlError`. */
export function setDraft(
  deps: Deps,
  user: UserRow,
  { pullRequestId }: z.infer<typeof draftInput>,
  draft: boolean,
) {
  const { store } = deps
  const text = Buffer.from(pullRequestId, 'base64').toString()
  const [, id = ''] = /^PullRequest:(\d{1,15})$/.exec(text) ?? []
  const pull = id === '' ? undefined : store.pulls.byIssue(Number(id))
  const repo = pull === undefined ? undefined : store.repos.byId(pull.repo_id)
  const role = repo === undefined ? 'none' : store.users.roleIn(user, repo)
  if (pull === undefined || repo === undefined || !atLeast(role, 'read'))
    throw new GraphqlError(
      'NOT_FOUND',
      `Could not resolve to a node with the global id of '${pullRequestId}'`,
    )
  if (!grants(user.grant, { name: 'pull_requests', level: 'write' }))
    throw new GraphqlError('FORBIDDEN', refusal(user.grant))
  if (!atLeast(role, 'push') && pull.user_id !== user.id)
    throw new GraphqlError(
      'FORBIDDEN',
      `${user.login} does not have the correct permissions to execute this.`,
    )
  if (pull.state !== 'open')
    throw new GraphqlError('UNPROCESSABLE', 'The pull request is not open.')
  if (draft && deps.plan === 'free' && repo.private === 1)
    throw new GraphqlError(
      'UNPROCESSABLE',
      'Draft pull requests are not supported in this repository.',
    )
  if ((pull.draft === 1) !== draft)
    store.transaction(() => {
      store.pulls.update(pull.id, { draft: draft ? 1 : 0 })
      store.issues.update(pull.id, {}, stamp(deps))
      const on = { repo, issue: pull, actor: user }
      record(deps, on, draft ? 'convert_to_draft' : 'ready_for_review')
      deps.hooks.issue(on, draft ? 'converted_to_draft' : 'ready_for_review')
    })
  return { id: nodeId('PullRequest', pull.id), number: pull.number, isDraft: draft }
}
