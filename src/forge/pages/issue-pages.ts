/** Issues: the list and one with all that was said and done. */
import type { Hono } from 'hono'
import { html } from 'hono/html'
import type { Deps, Env } from '../context.ts'
import { pageOf } from '../paging.ts'
import { issueOf } from '../routes/common.ts'
import type { EventData, IssueRow, RepoRow } from '../store/rows.ts'
import { actions } from './acting.ts'
import { layout } from './layout.ts'
import { badge, issueRow, label, nothing, own, standing, time, type Piece } from './parts.ts'
import { repoOf } from './repo-of.ts'
import type { Sessions } from './sessions.ts'
import { speech, timelinePieces } from './timeline.ts'

export function listBody(
  deps: Deps,
  repo: RepoRow,
  init: {
    path: string
    pulls: boolean
    state: 'open' | 'closed'
    limit: number
    offset: number
    number: number
  },
): Piece {
  const { path, pulls, state, limit, offset, number } = init
  const filter = {
    repoId: repo.id,
    pulls: pulls ? 'only' : 'without',
    sort: 'created',
    direction: 'desc',
  } as const
  const count = (of: 'open' | 'closed') =>
    deps.store.issues.list({ ...filter, state: of, limit: 1, offset: 0 }).total
  const { rows, total } = deps.store.issues.list({ ...filter, state, limit, offset })
  const href = `${deps.urls.page(repo)}/${path}`
  const tab = (of: 'open' | 'closed') =>
    html`<a href="${href}?state=${of}"
      >${of === state ? html`<b>${count(of)} ${of}</b>` : html`${count(of)} ${of}`}</a
    >`
  return html`<div class="bar">${tab('open')} ${tab('closed')}</div>
    <div class="box">
      ${rows.length === 0 ? html`<div class="none">None is ${state}.</div>` : rows.map((row) => issueRow(deps, repo, row))}
    </div>
    <div class="bar">
      ${number > 1 ? html`<a href="${href}?state=${state}&page=${number - 1}">← Newer</a>` : nothing}
      ${offset + limit < total ? html`<a href="${href}?state=${state}&page=${number + 1}">Older →</a>` : nothing}
    </div>`
}

/** Pull requests that name the issue. */
function linkedPulls(deps: Deps, repo: RepoRow, issue: IssueRow): Piece[] {
  return deps.store.talk
    .events(issue.id)
    .filter((row) => row.event === 'cross-referenced')
    .flatMap((row) => {
      const { source } = JSON.parse(row.data) as EventData
      const from = source === undefined ? undefined : deps.store.issues.byId(source)
      if (from === undefined || from.is_pull !== 1) return []
      const where = standing(from, deps.store.pulls.byIssue(from.id))
      return [
        html`<div>
          <span class="sign ${where.state}">${where.sign}</span>
          <a href="${deps.urls.page(repo)}/pull/${from.number}"
            >${own(from.title)} #${from.number}</a
          >
        </div>`,
      ]
    })
}

export function sidebar(
  deps: Deps,
  issue: IssueRow,
  linked: { title: string; pieces: Piece[] },
): Piece {
  const people = deps.store.issues.assignees(issue.id)
  const labels = deps.store.labels.of(issue.id)
  const none = html`<span class="mute">None</span>`
  return html`<aside>
    <section>
      <h3>Assignees</h3>
      ${people.length === 0 ? none : people.map(({ login }) => html`<div><b>${login}</b></div>`)}
    </section>
    <section>
      <h3>Labels</h3>
      ${labels.length === 0 ? none : labels.map(label)}
    </section>
    <section>
      <h3>${linked.title}</h3>
      ${linked.pieces.length === 0 ? none : linked.pieces}
    </section>
  </aside>`
}

export function issuePages(app: Hono<Env>, deps: Deps, sessions: Sessions): void {
  app.get('/:owner/:repo/issues', (c) => {
    const { repo } = repoOf(deps, c)
    const state = c.req.query('state') === 'closed' ? 'closed' : 'open'
    const body = listBody(deps, repo, { path: 'issues', pulls: false, state, ...pageOf(c) })
    return c.html(
      layout(deps, { title: `Issues · ${repo.owner}/${repo.name}`, repo, tab: 'issues', body }),
    )
  })

  app.get('/:owner/:repo/issues/:issue_number', (c) => {
    const { repo } = repoOf(deps, c)
    const issue = issueOf(deps, c, repo)
    const page = deps.urls.page(repo)
    if (issue.is_pull === 1) return c.redirect(`${page}/pull/${issue.number}`)
    const { login } = deps.store.users.byId(issue.user_id)
    const linked = { title: 'Pull requests', pieces: linkedPulls(deps, repo, issue) }
    const body = html`<h1>${own(issue.title)} <span class="no">#${issue.number}</span></h1>
      <div class="bar">
        ${badge(standing(issue, undefined))}
        <span class="mute"><b>${login}</b> opened this ${time(issue.created_at)}</span>
      </div>
      <div class="two">
        <div>
          ${speech({ login, at: issue.created_at, body: issue.body ?? '', page, did: 'wrote' })}
          ${timelinePieces(deps, repo, issue, [])} ${actions(deps, c, { repo, issue, sessions })}
        </div>
        ${sidebar(deps, issue, linked)}
      </div>`
    return c.html(
      layout(deps, { title: `${issue.title} · #${issue.number}`, repo, tab: 'issues', body }),
    )
  })
}
