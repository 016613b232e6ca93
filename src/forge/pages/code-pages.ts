/** Files, directories, commits. */
import type { Hono } from 'hono'
import { html } from 'hono/html'
import { notFound } from '../api-error.ts'
import { atLeast } from '../auth.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import type { Commit } from '../git/commits.ts'
import type { TreeEntry } from '../git/trees.ts'
import { pageOf } from '../paging.ts'
import { param } from '../routes/common.ts'
import { pathOf } from '../shapes/urls.ts'
import type { RepoRow } from '../store/rows.ts'
import { diff } from './diff.ts'
import { layout } from './layout.ts'
import { markdown } from './markdown.ts'
import { nothing, own, time, type Piece } from './parts.ts'
import { placeOf, repoOf, type Place } from './repo-of.ts'

const README = /^readme(\.(md|markdown|txt))?$/i
/** Larger files are offered raw only. */
const SHOWN_BYTES = 1024 * 1024

function crumbs(page: string, { ref, path }: Place): Piece {
  const parts = path.split('/').filter((part) => part !== '')
  return html`<div class="bar">
    <span class="ref mono">${ref}</span>
    <span
      ><a href="${page}/tree/${pathOf(ref)}">root</a>${parts.map(
        (part, at) =>
          html` /
            <a href="${page}/tree/${pathOf(ref)}/${pathOf(parts.slice(0, at + 1).join('/'))}"
              >${part}</a
            >`,
      )}</span
    >
  </div>`
}

function files(page: string, { ref, path }: Place, entries: readonly TreeEntry[]): Piece {
  const sorted = [...entries].sort(
    (a, b) => Number(b.type === 'tree') - Number(a.type === 'tree') || (a.path < b.path ? -1 : 1),
  )
  return html`<div class="box">
    ${sorted.map((entry) => {
      const full = path === '' ? entry.path : `${path}/${entry.path}`
      const directory = entry.type === 'tree'
      return html`<div class="row">
        <span class="grow"
          ><a href="${page}/${directory ? 'tree' : 'blob'}/${pathOf(ref)}/${pathOf(full)}"
            >${entry.path}${directory ? '/' : ''}</a
          ></span
        >
        <small>${entry.size === undefined ? '' : `${entry.size} bytes`}</small>
      </div>`
    })}
  </div>`
}

const commitRow = (page: string, commit: Commit): Piece =>
  html`<div class="row">
    <div class="grow">
      <a class="title" href="${page}/commit/${commit.sha}"
        >${own(commit.message.split('\n')[0] ?? '')}</a
      ><br />
      <small>${commit.author.name}, ${time(commit.author.date)}</small>
    </div>
    <a class="mono" href="${page}/commit/${commit.sha}">${commit.sha.slice(0, 8)}</a>
  </div>`

export function codePages(app: Hono<Env>, deps: Deps): void {
  const { git, store, urls } = deps

  app.get('/', (c) => {
    const user = c.get('user')
    const repos = store.repos
      .all()
      .filter((repo) => atLeast(store.users.roleIn(user, repo), 'read'))
    const body = html`<h1>Repositories</h1>
      <div class="box">
        ${repos.length === 0 ? html`<div class="none">There is no repository yet. A private one needs a <a href="/-/login">token</a>.</div>` : nothing}
        ${repos.map((repo) => {
          const open = store.repos.openIssues(repo.id)
          return html`<div class="row">
            <div class="grow">
              <a class="title" href="${urls.page(repo)}">${repo.owner}/${repo.name}</a>
              ${repo.private === 1 ? html`<span class="pill label">Private</span>` : nothing}<br />
              <small>${repo.description ?? ''}</small>
            </div>
            <small
              ><a href="${urls.page(repo)}/issues">${open.issues} issues</a> ·
              <a href="${urls.page(repo)}/pulls">${open.pulls} pull requests</a></small
            >
          </div>`
        })}
      </div>`
    return c.html(layout(deps, { title: 'Repositories', body }))
  })

  const readme = async (dir: string, page: string, entries: readonly TreeEntry[]) => {
    const entry = entries.find(
      ({ path, type, size = 0 }) => type === 'blob' && README.test(path) && size < SHOWN_BYTES,
    )
    if (entry === undefined) return nothing
    const text = (await git.trees.blob(dir, entry.sha)).toString('utf8')
    return html`<div class="box">
      <div class="head"><b>${entry.path}</b></div>
      <div class="body">${markdown(text, page)}</div>
    </div>`
  }

  app.get('/:owner/:repo', async (c) => {
    const { repo, dir } = repoOf(deps, c)
    const page = urls.page(repo)
    const commit = await git.refs.commitOf(dir, repo.default_branch)
    const entries = commit === undefined ? [] : ((await git.trees.list(dir, commit)) ?? [])
    const refs = await git.refs.list(dir, 'refs/heads/')
    const last = commit === undefined ? undefined : await git.commits.one(dir, commit)
    const place = { ref: repo.default_branch, commit: commit ?? '', path: '' }
    const body = html`<div class="bar">
        <span class="mute">${repo.description ?? ''}</span><span class="grow"></span>
        <code class="clone">git clone ${page}.git</code>
      </div>
      <div class="two">
        <div>
          ${
            last === undefined
              ? html`<div class="box">
                  <div class="none">
                    This repository is empty. Push a first commit to <b>main</b>.
                  </div>
                </div>`
              : html`<div class="box">${commitRow(page, last)}</div>`
          }
          ${entries.length === 0 ? nothing : files(page, place, entries)}
          ${await readme(dir, page, entries)}
        </div>
        <aside>
          <section>
            <h3>Branches</h3>
            ${refs.map(({ ref }) => {
              const name = ref.slice('refs/heads/'.length)
              return html`<div>
                <a class="mono" href="${page}/tree/${pathOf(name)}">${name}</a>
              </div>`
            })}
          </section>
        </aside>
      </div>`
    return c.html(layout(deps, { title: `${repo.owner}/${repo.name}`, repo, tab: 'code', body }))
  })

  const open = async (c: Ctx, kind: 'tree' | 'blob') => {
    const { repo, dir } = repoOf(deps, c)
    const place = await placeOf(deps, c, repo)
    const entry = await git.trees.at(dir, place.commit, place.path)
    if (entry === undefined || entry.type !== kind) throw notFound()
    return { repo, dir, place, entry, page: urls.page(repo) }
  }
  const frame = (c: Ctx, repo: RepoRow, title: string, body: Piece) =>
    c.html(
      layout(deps, { title: `${title} · ${repo.owner}/${repo.name}`, repo, tab: 'code', body }),
    )

  app.get('/:owner/:repo/tree/:rest{.+}', async (c) => {
    const { repo, dir, place, entry, page } = await open(c, 'tree')
    const entries = (await git.trees.list(dir, entry.sha)) ?? []
    return frame(
      c,
      repo,
      place.path || place.ref,
      html`${crumbs(page, place)} ${files(page, place, entries)}`,
    )
  })

  app.get('/:owner/:repo/blob/:rest{.+}', async (c) => {
    const { repo, dir, place, entry, page } = await open(c, 'blob')
    const bytes = (entry.size ?? 0) > SHOWN_BYTES ? undefined : await git.trees.blob(dir, entry.sha)
    const lines =
      bytes === undefined || bytes.includes(0)
        ? undefined
        : bytes.toString('utf8').replace(/\n$/, '').split('\n')
    const href = `${page}/raw/${pathOf(place.ref)}/${pathOf(place.path)}`
    const body = html`${crumbs(page, place)}
      <div class="box">
        <div class="head">${entry.size ?? 0} bytes · <a href="${href}">raw</a></div>
        ${
          lines === undefined
            ? html`<div class="none">This file is binary or large.</div>`
            : html`<table class="code">
                ${lines.map(
                  (line, at) =>
                    html`<tr>
                      <td class="n">${at + 1}</td>
                      <td>${line}</td>
                    </tr>`,
                )}
              </table>`
        }
      </div>`
    return frame(c, repo, place.path, body)
  })

  app.get('/:owner/:repo/raw/:rest{.+}', async (c) => {
    const { dir, entry } = await open(c, 'blob')
    const bytes = await git.trees.blob(dir, entry.sha)
    const type = bytes.subarray(0, 8_000).includes(0)
      ? 'application/octet-stream'
      : 'text/plain; charset=utf-8'
    return c.body(new Uint8Array(bytes), 200, { 'content-type': type })
  })

  app.get('/:owner/:repo/commits/:rest{.+}', async (c) => {
    const { repo, dir } = repoOf(deps, c)
    const place = await placeOf(deps, c, repo)
    const { limit, offset, number } = pageOf(c)
    const list = await git.commits.log(dir, [place.commit], { limit, skip: offset })
    const page = urls.page(repo)
    const older = html`<a href="${page}/commits/${pathOf(place.ref)}?page=${number + 1}"
      >Older →</a
    >`
    const body = html`<div class="bar">Commits of <span class="ref mono">${place.ref}</span></div>
      <div class="box">${list.map((commit) => commitRow(page, commit))}</div>
      ${list.length === limit ? older : nothing}`
    return c.html(
      layout(deps, { title: `Commits · ${repo.owner}/${repo.name}`, repo, tab: 'commits', body }),
    )
  })

  app.get('/:owner/:repo/commit/:sha', async (c) => {
    const { repo, dir } = repoOf(deps, c)
    const sha = await git.refs.commitOf(dir, param(c, 'sha'))
    const commit = sha === undefined ? undefined : await git.commits.one(dir, sha)
    if (commit === undefined) throw notFound()
    const from = commit.parents[0] ?? (await git.trees.write(dir, undefined, []))
    const [first = '', ...rest] = commit.message.split('\n')
    const page = urls.page(repo)
    const body = html`<h1>${own(first)}</h1>
      <div class="box">
        <div class="head">
          <b>${commit.author.name}</b> committed ${time(commit.committer.date)} ·
          <span class="mono">${commit.sha}</span
          >${commit.parents.map((parent) => html` · parent <a class="mono" href="${page}/commit/${parent}">${parent.slice(0, 8)}</a>`)}
        </div>
        ${rest.join('').trim() === '' ? nothing : html`<div class="body"><pre class="plain">${rest.join('\n').trim()}</pre></div>`}
      </div>
      ${diff(await git.diffs.files(dir, from, commit.sha))}`
    return c.html(
      layout(deps, { title: `${first} · ${repo.owner}/${repo.name}`, repo, tab: 'commits', body }),
    )
  })
}
