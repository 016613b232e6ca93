/**
 * What a person can do on the page of an issue or pull request: one form, whose buttons call the API as the
 * account that is chosen in it. So a page can do nothing that the API would refuse.
 */
import type { Hono } from 'hono'
import { html } from 'hono/html'
import { z } from 'zod'
import type { Ctx, Deps, Env } from '../context.ts'
import { param } from '../routes/common.ts'
import { nodeId } from '../shapes/urls.ts'
import type { IssueRow, PullIssue, RepoRow, UserRow } from '../store/rows.ts'
import { TEXT_CHARS } from '../body.ts'
import { layout } from './layout.ts'
import { nothing, own, type Piece } from './parts.ts'
import { repoOf } from './repo-of.ts'
import { mayActAs, type Sessions } from './sessions.ts'

const acts = [
  'comment',
  'approve',
  'request',
  'merge',
  'ready',
  'close',
  'reopen',
  'unlabel',
] as const

const filled = z.object({
  do: z.enum(acts),
  as: z.string().max(100),
  body: z.string().max(TEXT_CHARS).default(''),
  label: z.string().max(100).default(''),
  /** Head of the pull request that was looked at. */
  sha: z.string().max(64).default(''),
})
type Filled = z.infer<typeof filled>

interface Request {
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  body: object
}

/** What the API is asked. Pure. */
function requestOf(act: Filled, at: string, issue: IssueRow): Request {
  const on = `${at}/issues/${issue.number}`
  const pull = `${at}/pulls/${issue.number}`
  const review = (event: string): Request => ({
    method: 'POST',
    path: `${pull}/reviews`,
    body: { event, body: act.body },
  })
  const state = (to: string): Request => ({ method: 'PATCH', path: on, body: { state: to } })
  switch (act.do) {
    case 'comment':
      return { method: 'POST', path: `${on}/comments`, body: { body: act.body } }
    case 'approve':
      return review('APPROVE')
    case 'request':
      return review('REQUEST_CHANGES')
    case 'merge':
      return { method: 'PUT', path: `${pull}/merge`, body: { sha: act.sha } }
    case 'ready': {
      const query =
        'mutation($input: MarkPullRequestReadyForReviewInput!) { markPullRequestReadyForReview(input: $input) { clientMutationId } }'
      const input = { pullRequestId: nodeId('PullRequest', issue.id) }
      return { method: 'POST', path: '/graphql', body: { query, variables: { input } } }
    }
    case 'close':
      return state('closed')
    case 'reopen':
      return state('open')
    case 'unlabel':
      return {
        method: 'DELETE',
        path: `${on}/labels/${encodeURIComponent(act.label)}`,
        body: {},
      }
  }
}

const answered = z.object({
  message: z.string().optional(),
  errors: z.array(z.object({ message: z.string().optional() })).optional(),
})

/** Undefined when it was done. */
async function refusalOf(answer: Response): Promise<string | undefined> {
  const said = answered.safeParse(await answer.json().catch(() => ({}))).data
  const [first] = said?.errors ?? []
  if (answer.ok && first === undefined) return undefined
  const more = first?.message === undefined ? '' : ` ${first.message}`
  return `${said?.message ?? ''}${more}`.trim() || `HTTP ${answer.status}`
}

export function actingPages(
  app: Hono<Env>,
  deps: Deps,
  { api, sessions }: { api: Hono<Env>; sessions: Sessions },
): void {
  app.post('/:owner/:repo/issues/:issue_number{[0-9]{1,9}}', async (c) => {
    const { repo } = repoOf(deps, c)
    const issue = deps.store.issues.byNumber(repo.id, Number(param(c, 'issue_number')))
    const back = pathOf(repo, issue)
    const refuse = (why: string, status: 400 | 403 | 422 = 403) => {
      const body = html`<h1>That was not done</h1>
        <p>${own(why)}</p>
        <p><a href="${back}">Back</a></p>`
      return c.html(layout(deps, { title: 'Not done', repo, body }), status)
    }
    const session = sessions.of(c)
    if (session === undefined) return refuse('Sign in first: what was typed is not kept.')
    const given = filled.safeParse(await c.req.parseBody())
    if (issue === undefined || !given.success)
      return refuse('The form is not one of these pages, or its text is too long.', 400)
    const act = given.data
    const who = mayActAs(deps, session).find(({ login }) => login === act.as)
    if (who === undefined) return refuse(`${session.user.login} may not act as ${act.as}.`)
    session.as = who.login
    const asked = requestOf(act, `/repos/${repo.owner}/${repo.name}`, issue)
    const answer = await call(api, who, asked)
    const why = await refusalOf(answer)
    return why === undefined ? c.redirect(back, 303) : refuse(`${who.login}: ${why}`, 422)
  })
}

const call = (api: Hono<Env>, actor: UserRow, { method, path, body }: Request) =>
  Promise.resolve(
    api.request(
      path,
      {
        method,
        headers: { 'content-type': 'application/json' },
        ...(method === 'DELETE' ? {} : { body: JSON.stringify(body) }),
      },
      { actor },
    ),
  )

const pathOf = (repo: RepoRow, issue: IssueRow | undefined) =>
  `/${repo.owner}/${repo.name}/${issue?.is_pull === 1 ? 'pull' : 'issues'}/${issue?.number ?? ''}`

/** The form below an issue or pull request. */
export function actions(
  deps: Deps,
  c: Ctx,
  {
    repo,
    issue,
    pull,
    sessions,
  }: { repo: RepoRow; issue: IssueRow; pull?: PullIssue; sessions: Sessions },
): Piece {
  const session = sessions.of(c)
  const what = pull === undefined ? 'comment' : 'comment, review or merge'
  if (session === undefined)
    return html`<p class="mute">
      <a href="/-/login?to=${encodeURIComponent(pathOf(repo, issue))}">Sign in with a token</a> to
      ${what}.
    </p>`
  const labels = deps.store.labels.of(issue.id)
  const isOpen = issue.state === 'open'
  const isMerged = pull !== undefined && pull.merged_at !== null
  const button = (act: (typeof acts)[number], text: string) =>
    html`<button name="do" value="${act}">${text}</button> `
  return html`<form
    class="box"
    method="post"
    action="/${repo.owner}/${repo.name}/issues/${issue.number}"
  >
    <div class="head">
      <label
        >Act as
        <select name="as">
          ${mayActAs(deps, session).map(({ login, role }) =>
            login === session.as
              ? html`<option value="${login}" selected>${login} (${role})</option>`
              : html`<option value="${login}">${login} (${role})</option>`,
          )}
        </select></label
      >
    </div>
    <div class="body">
      <textarea name="body" rows="4" aria-label="Text"></textarea>
      ${pull === undefined ? nothing : html`<input type="hidden" name="sha" value="${pull.head_sha}" />`}
      <div class="bar">
        ${button('comment', 'Comment')}
        ${
          pull === undefined || !isOpen
            ? nothing
            : html`${button('approve', 'Approve')} ${button('request', 'Request changes')}
              ${pull.draft === 1 ? button('ready', 'Ready for review') : button('merge', 'Merge')}`
        }
        ${isMerged ? nothing : isOpen ? button('close', 'Close') : button('reopen', 'Reopen')}
        ${
          labels.length === 0
            ? nothing
            : html`<select name="label" aria-label="Label">
                  ${labels.map(({ name }) => html`<option value="${name}">${name}</option>`)}
                </select>
                ${button('unlabel', 'Take label off')}`
        }
      </div>
    </div>
  </form>`
}
