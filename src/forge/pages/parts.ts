/** Small pieces that several pages show. */
import { html, raw } from 'hono/html'
import type { Deps } from '../context.ts'
import type { IssueRow, LabelRow, PullRow, RepoRow } from '../store/rows.ts'

export type Piece = ReturnType<typeof html>
export const nothing: Piece = html``

export const time = (iso: string): Piece =>
  html`<time datetime="${iso}">${iso.replace('T', ' ').replace(/:\d\dZ$/, ' UTC')}</time>`

/** A text of an author's beside ours: its reading order ends where it ends. */
export const own = (text: string): Piece => html`<bdi>${text}</bdi>`

/** The dot is drawn, not styled: colours come from users, and inline styles are not allowed. */
export function label(row: Pick<LabelRow, 'name' | 'color'>): Piece {
  const color = /^[0-9a-fA-F]{6}$/.test(row.color) ? row.color : '888888'
  const dot = raw(
    `<svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="5" fill="#${color}"/></svg>`,
  )
  return html`<span class="pill label">${dot}${own(row.name)}</span> `
}

export interface Standing {
  /** Class and word. */
  state: 'open' | 'closed' | 'merged' | 'refused' | 'draft'
  word: string
  sign: string
}

export function standing(issue: IssueRow, pull: PullRow | undefined): Standing {
  if (pull === undefined) {
    if (issue.state === 'open') return { state: 'open', word: 'Open', sign: '○' }
    const word = issue.state_reason === 'not_planned' ? 'Closed as not planned' : 'Closed'
    return { state: 'closed', word, sign: '✓' }
  }
  if (pull.merged_at !== null) return { state: 'merged', word: 'Merged', sign: '⇥' }
  if (issue.state === 'closed') return { state: 'refused', word: 'Closed', sign: '✕' }
  return pull.draft === 1
    ? { state: 'draft', word: 'Draft', sign: '⇡' }
    : { state: 'open', word: 'Open', sign: '⇡' }
}

export const badge = ({ state, word }: Standing): Piece =>
  html`<span class="pill state ${state}">${word}</span>`

/** A line of a list of issues or pull requests. */
export function issueRow({ store, urls }: Deps, repo: RepoRow, row: IssueRow): Piece {
  const pull = row.is_pull === 1 ? store.pulls.byIssue(row.id) : undefined
  const where = standing(row, pull)
  const assignees = store.issues.assignees(row.id).map(({ login }) => login)
  const comments = store.talk.countComments(row.id)
  const href = `${urls.page(repo)}/${pull === undefined ? 'issues' : 'pull'}/${row.number}`
  return html`<div class="row">
    <span class="sign ${where.state}" title="${where.word}">${where.sign}</span>
    <div class="grow">
      <a class="title" href="${href}">${own(row.title)}</a>
      ${store.labels.of(row.id).map(label)}<br />
      <small
        >#${row.number} by ${store.users.byId(row.user_id).login},
        ${time(row.created_at)}${
          assignees.length === 0 ? '' : ` · assigned to ${assignees.join(', ')}`
        }${comments === 0 ? '' : ` · ${comments} comment${comments === 1 ? '' : 's'}`}</small
      >
    </div>
  </div>`
}
