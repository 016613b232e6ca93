/** The frame of every page. */
import { html } from 'hono/html'
import type { Deps } from '../context.ts'
import type { RepoRow } from '../store/rows.ts'
import { nothing, type Piece } from './parts.ts'

export const STYLE_PATH = '/-/style.css'

export interface Frame {
  title: string
  repo?: RepoRow
  tab?: 'code' | 'issues' | 'pulls' | 'commits'
  body: Piece
}

function tabs({ store, urls }: Deps, repo: RepoRow, here: Frame['tab']): Piece {
  const open = store.repos.openIssues(repo.id)
  const items = [
    { tab: 'code', href: '', text: 'Code' },
    { tab: 'issues', href: '/issues', text: `Issues (${open.issues})` },
    { tab: 'pulls', href: '/pulls', text: `Pull requests (${open.pulls})` },
    { tab: 'commits', href: `/commits/${repo.default_branch}`, text: 'Commits' },
  ]
  return html`<nav class="tabs in">
    ${items.map(
      ({ tab, href, text }) =>
        html`<a class="${tab === here ? 'here' : ''}" href="${urls.page(repo)}${href}">${text}</a>`,
    )}
  </nav>`
}

export function layout(deps: Deps, { title, repo, tab, body }: Frame): Piece {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="${STYLE_PATH}" />
      </head>
      <body>
        <header class="top">
          <div class="in">
            <a class="brand" href="/">Forge</a>
            ${
              repo === undefined
                ? nothing
                : html`<span class="path"
                      ><span class="mute">${repo.owner} /</span>
                      <a href="${deps.urls.page(repo)}">${repo.name}</a></span
                    >${repo.private === 1 ? html`<span class="pill">Private</span>` : nothing}`
            }
          </div>
          ${repo === undefined ? nothing : tabs(deps, repo, tab)}
        </header>
        <main>${body}</main>
      </body>
    </html>`
}
