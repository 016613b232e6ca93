/** Pull requests: the list, and one with its talk, commits, checks and diff. */
import type { Hono } from 'hono'
import { html } from 'hono/html'
import { closes } from '../acts/keywords.ts'
import { startOf, syncPulls } from '../acts/pull-acts.ts'
import { notFound } from '../api-error.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { pageOf } from '../paging.ts'
import { param } from '../routes/common.ts'
import type { PullIssue, RepoRow } from '../store/rows.ts'
import { actions } from './acting.ts'
import { diff } from './diff.ts'
import { listBody, sidebar } from './issue-pages.ts'
import { layout } from './layout.ts'
import { badge, nothing, own, standing, time, type Piece } from './parts.ts'
import { repoOf } from './repo-of.ts'
import type { Sessions } from './sessions.ts'
import { speech, timelinePieces } from './timeline.ts'

const COMMITS = 250

function closing(deps: Deps, repo: RepoRow, pull: PullIssue): Piece[] {
  return closes(pull.body ?? '', `${repo.owner}/${repo.name}`).flatMap((number) => {
    const issue = deps.store.issues.byNumber(repo.id, number)
    if (issue === undefined) return []
    const where = standing(issue, undefined)
    return [
      html`<div>
        <span class="sign ${where.state}">${where.sign}</span>
        <a href="${deps.urls.page(repo)}/issues/${number}">${own(issue.title)} #${number}</a>
      </div>`,
    ]
  })
}

function checks(deps: Deps, repo: RepoRow, sha: string): Piece {
  const runs = deps.store.checks
    .runs(repo.id, sha)
    .map(({ name, status, conclusion }) => ({ name, word: conclusion ?? status }))
  const all = deps.store.checks.statuses(repo.id, sha)
  const statuses = all
    .filter((row, at) => all.findIndex((other) => other.context === row.context) === at)
    .map(({ context, state }) => ({ name: context, word: state }))
  const rows = [...runs, ...statuses]
  if (rows.length === 0) return nothing
  const look = (word: string) =>
    word === 'success' ? 'ok' : /fail|error|timed|cancel/.test(word) ? 'bad' : 'mute'
  return html`<h2>Checks</h2>
    <div class="box">
      ${rows.map(
        ({ name, word }) =>
          html`<div class="row">
            <span class="grow"><b>${name}</b></span
            ><span class="${look(word)}">${word.replaceAll('_', ' ')}</span>
          </div>`,
      )}
    </div>`
}

export function pullPages(app: Hono<Env>, deps: Deps, sessions: Sessions): void {
  app.get('/:owner/:repo/pulls', async (c) => {
    const { repo } = repoOf(deps, c)
    await syncPulls(deps, repo)
    const state = c.req.query('state') === 'closed' ? 'closed' : 'open'
    const body = listBody(deps, repo, { path: 'pulls', pulls: true, state, ...pageOf(c) })
    return c.html(
      layout(deps, {
        title: `Pull requests · ${repo.owner}/${repo.name}`,
        repo,
        tab: 'pulls',
        body,
      }),
    )
  })

  const text = async (c: Ctx, number: string, kind: string) => {
    const { repo, dir } = repoOf(deps, c)
    await syncPulls(deps, repo)
    const pull = deps.store.pulls.byNumber(repo.id, Number(number))
    if (pull === undefined) throw notFound()
    return kind === 'diff'
      ? c.text(await deps.git.diffs.text(dir, await startOf(deps, repo, pull), pull.head_sha))
      : c.text(await deps.git.diffs.mail(dir, pull.base_sha, pull.head_sha))
  }

  app.get('/:owner/:repo/pull/:number{[0-9]{1,9}(?:\\.(?:diff|patch))?}', async (c) => {
    const [number = '', kind] = param(c, 'number').split('.')
    if (kind !== undefined) return text(c, number, kind)
    const { repo, dir } = repoOf(deps, c)
    await syncPulls(deps, repo)
    const pull = deps.store.pulls.byNumber(repo.id, Number(number))
    if (pull === undefined) throw notFound()
    const page = deps.urls.page(repo)
    const start = await startOf(deps, repo, pull)
    const [commits, files] = await Promise.all([
      deps.git.commits.log(dir, [`${pull.base_sha}..${pull.head_sha}`], { limit: COMMITS }),
      deps.git.diffs.files(dir, start, pull.head_sha),
    ])
    const { login } = deps.store.users.byId(pull.user_id)
    const count = `${commits.length} commit${commits.length === 1 ? '' : 's'}`
    const branch = (name: string) =>
      html`<a class="ref mono" href="${page}/tree/${name}">${name}</a>`
    const linked = { title: 'Closes', pieces: closing(deps, repo, pull) }
    const body = html`<h1>${own(pull.title)} <span class="no">#${pull.number}</span></h1>
      <div class="bar">
        ${badge(standing(pull, pull))}
        <span class="mute"
          ><b>${login}</b> ${pull.merged_at === null ? 'wants to merge' : 'merged'} ${count} into
          ${branch(pull.base_ref)} from ${branch(pull.head_ref)}</span
        >
        <span class="grow"></span
        ><small class="mute"
          >${time(pull.created_at)} · <a href="${page}/pull/${number}.diff">diff</a> ·
          <a href="${page}/pull/${number}.patch">patch</a></small
        >
      </div>
      <div class="two">
        <div>
          ${speech({ login, at: pull.created_at, body: pull.body ?? '', page, did: 'wrote' })}
          ${timelinePieces(deps, repo, pull, commits.reverse())}
          ${checks(deps, repo, pull.head_sha)}
          ${actions(deps, c, { repo, issue: pull, pull, sessions })}
        </div>
        ${sidebar(deps, pull, linked)}
      </div>
      <h2 id="files">Changes</h2>
      ${diff(files)} ${reviewComments(deps, pull, page)}`
    return c.html(
      layout(deps, { title: `${pull.title} · #${pull.number}`, repo, tab: 'pulls', body }),
    )
  })
}

function reviewComments(deps: Deps, pull: PullIssue, page: string): Piece {
  const pending = new Set(
    deps.store.pulls
      .reviews(pull.id)
      .filter(({ state }) => state === 'PENDING')
      .map(({ id }) => id),
  )
  const rows = deps.store.pulls
    .comments(pull.id)
    .filter(({ review_id: id }) => id === null || !pending.has(id))
  if (rows.length === 0) return nothing
  return html`<h2>Comments on lines</h2>
    ${rows.map((row) =>
      speech({
        login: deps.store.users.byId(row.user_id).login,
        at: row.created_at,
        body: row.body,
        page,
        did: `on ${row.path}${row.line === null ? '' : `, line ${row.line}`},`,
        anchor: `discussion_r${row.id}`,
      }),
    )}`
}
