/** What happened on an issue or pull request, as boxes (what was said) and lines (what was done). */
import { html } from 'hono/html'
import { timeline } from '../shapes/event.ts'
import type { Deps } from '../context.ts'
import type { Commit } from '../git/commits.ts'
import type { IssueRow, RepoRow } from '../store/rows.ts'
import { markdown } from './markdown.ts'
import { label, nothing, own, time, type Piece } from './parts.ts'

/** The parts of a timeline item that are shown; the item itself is what the API gives. */
interface Item {
  event: string
  id?: number
  actor?: { login: string } | null
  user?: { login: string } | null
  assignee?: { login: string }
  requested_reviewer?: { login: string }
  label?: { name: string; color: string }
  rename?: { from: string; to: string }
  source?: { issue: { html_url: string; number: number; title: string; pull_request?: unknown } }
  body?: string | null
  state?: string
  state_reason?: string | null
  created_at?: string
  submitted_at?: string
  commit_id?: string | null
  sha?: string
  message?: string
  html_url?: string
}

export function speech(init: {
  login: string
  at: string
  body: string
  page: string
  did?: string
  anchor?: string
}): Piece {
  const { login, at, body, page, did = 'commented', anchor = '' } = init
  return html`<div class="box" id="${anchor}">
    <div class="head"><b>${login}</b> ${did} ${time(at)}</div>
    <div class="body">
      ${body.trim() === '' ? html`<span class="mute">No text.</span>` : markdown(body, page)}
    </div>
  </div>`
}

const WORDS: Record<string, string> = {
  reopened: 'reopened this',
  locked: 'locked the conversation',
  unlocked: 'unlocked the conversation',
  head_ref_deleted: 'deleted the head branch',
  base_ref_changed: 'changed the base branch',
}

function sentence(item: Item, page: string): Piece {
  const commit = item.commit_id
    ? html` in
        <a class="mono" href="${page}/commit/${item.commit_id}">${item.commit_id.slice(0, 8)}</a>`
    : nothing
  switch (item.event) {
    case 'labeled':
      return html`added ${item.label === undefined ? nothing : label(item.label)}`
    case 'unlabeled':
      return html`removed ${item.label === undefined ? nothing : label(item.label)}`
    case 'assigned':
      return item.assignee?.login === item.actor?.login
        ? html`took this on`
        : html`assigned <b>${item.assignee?.login ?? ''}</b>`
    case 'unassigned':
      return html`unassigned <b>${item.assignee?.login ?? ''}</b>`
    case 'renamed':
      return html`changed the title from “${own(item.rename?.from ?? '')}” to
      “${own(item.rename?.to ?? '')}”`
    case 'closed':
      return html`closed
      this${item.state_reason === 'not_planned' ? ' as not planned' : ''}${commit}`
    case 'merged':
      return html`merged this${commit}`
    case 'referenced':
      return html`named this${commit}`
    case 'review_requested':
      return html`asked <b>${item.requested_reviewer?.login ?? ''}</b> for a review`
    case 'cross-referenced':
      return html`named this in
        ${item.source?.issue.pull_request === undefined ? 'issue' : 'pull request'}
        <a href="${item.source?.issue.html_url ?? ''}"
          >${own(item.source?.issue.title ?? '')} #${item.source?.issue.number ?? ''}</a
        >`
    default:
      return html`${WORDS[item.event] ?? item.event.replaceAll('_', ' ')}`
  }
}

export function timelinePieces(
  deps: Deps,
  repo: RepoRow,
  on: IssueRow,
  commits: readonly Commit[],
): Piece[] {
  const page = deps.urls.page(repo)
  const items = timeline(deps, deps, repo, on, commits) as unknown as Item[]
  return items.map((item) => {
    if (item.event === 'commented') {
      const { login = '' } = item.user ?? {}
      const anchor = `issuecomment-${item.id ?? ''}`
      return speech({ login, at: item.created_at ?? '', body: item.body ?? '', page, anchor })
    }
    if (item.event === 'reviewed') {
      const did = `reviewed (${(item.state ?? '').toLowerCase().replaceAll('_', ' ')})`
      const anchor = `pullrequestreview-${item.id ?? ''}`
      return speech({
        login: item.user?.login ?? '',
        at: item.submitted_at ?? '',
        body: item.body ?? '',
        page,
        did,
        anchor,
      })
    }
    if (item.event === 'committed') {
      return html`<div class="event">
        <a class="mono" href="${item.html_url ?? ''}">${(item.sha ?? '').slice(0, 8)}</a>
        <b>${own((item.message ?? '').split('\n')[0] ?? '')}</b>
      </div>`
    }
    return html`<div class="event">
      <b>${item.actor?.login ?? ''}</b> ${sentence(item, page)}
      <small>${time(item.created_at ?? '')}</small>
    </div>`
  })
}
