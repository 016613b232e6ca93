/** Pull requests: open, list, read, change, merge. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { close, edit, openIssue, record, reopen } from '../acts/issue-acts.ts'
import { factsOf, keepHead, mergePull, startOf, syncPulls } from '../acts/pull-acts.ts'
import { ApiError, forbidden, invalid, unprocessable } from '../api-error.ts'
import { access, atLeast, caller, readerAccess } from '../auth.ts'
import { longText, readBody, sha, title } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { cut } from '../paging.ts'
import { commit, diffEntry } from '../shapes/git.ts'
import { pull as fullPull, pullSimple } from '../shapes/pull.ts'
import type { PullIssue, RepoRow } from '../store/rows.ts'
import { R, pullOf } from './common.ts'
import { choice } from './issues.ts'

const branch = z.string().min(1).max(512)
const newPull = z.object({
  title: title.optional(),
  issue: z.number().int().optional(),
  body: longText.nullish(),
  head: branch,
  base: branch,
  draft: z.boolean().default(false),
  maintainer_can_modify: z.boolean().default(true),
})
const change = z.object({
  title: title.optional(),
  body: longText.nullish(),
  state: z.enum(['open', 'closed']).optional(),
  base: branch.optional(),
})
const merge = z.object({
  commit_title: z.string().max(1_000).optional(),
  commit_message: longText.optional(),
  sha: sha.optional(),
  merge_method: z.enum(['merge', 'squash', 'rebase']).default('merge'),
})
const custom = (message: string) => invalid({ resource: 'PullRequest', code: 'custom', message })

export function pullRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, git, urls } = deps

  const show = async (c: Ctx, repo: RepoRow, number: number) => {
    const row = store.pulls.byNumber(repo.id, number) as PullIssue
    return fullPull(deps, repo, row, c.get('user'), await factsOf(deps, repo, row))
  }
  /** `owner:branch` or `branch`, to the branch of this repository; undefined for a fork's. */
  const own = (repo: RepoRow, head: string) => {
    const at = head.indexOf(':')
    if (at < 0) return head
    return head.slice(0, at).toLowerCase() === repo.owner.toLowerCase()
      ? head.slice(at + 1)
      : undefined
  }

  api.get(`${R}/pulls`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const state = choice(c, 'state', ['open', 'closed', 'all'], 'open')
    const sort = choice(c, 'sort', ['created', 'updated', 'popularity', 'long-running'], 'created')
    const direction = choice(c, 'direction', ['asc', 'desc'], sort === 'created' ? 'desc' : 'asc')
    await syncPulls(deps, repo)
    const head = c.req.query('head')
    const wanted = head?.includes(':') ? (own(repo, head) ?? '') : undefined
    const base = c.req.query('base') || undefined
    const key = (row: PullIssue) => (sort === 'updated' ? row.updated_at : row.created_at)
    const rows = store.pulls
      .all(repo.id, state)
      .filter(
        (row) =>
          (wanted === undefined || row.head_ref === wanted) &&
          (base === undefined || row.base_ref === base),
      )
      .sort((a, b) => (key(a) === key(b) ? a.number - b.number : key(a) < key(b) ? -1 : 1))
    if (direction === 'desc') rows.reverse()
    return c.json(cut(c, urls, rows).map((row) => pullSimple(deps, repo, row, c.get('user'))))
  })

  api.post(`${R}/pulls`, async (c) => {
    const { repo, role } = access(deps, c, 'push')
    const actor = caller(c)
    const body = await readBody(c, 'PullRequest', newPull)
    if (body.title === undefined)
      throw invalid({ resource: 'PullRequest', code: 'missing_field', field: 'title' })
    const dir = deps.dirOf(repo)
    const name = own(repo, body.head)
    const head = name === undefined ? undefined : await git.refs.get(dir, `refs/heads/${name}`)
    if (name === undefined || head === undefined)
      throw invalid({ resource: 'PullRequest', field: 'head', code: 'invalid' })
    const base = await git.refs.get(dir, `refs/heads/${body.base}`)
    if (base === undefined)
      throw invalid({ resource: 'PullRequest', field: 'base', code: 'invalid' })
    if ((await git.commits.count(dir, [`${base.sha}..${head.sha}`])) === 0)
      throw custom(`No commits between ${body.base} and ${name}`)
    const { title, draft, maintainer_can_modify: modify } = body
    if (draft && deps.plan === 'free' && repo.private === 1)
      throw unprocessable('Draft pull requests are not supported in this repository.')
    const row = store.transaction(() => {
      if (store.pulls.openFor(repo.id, name, body.base) !== undefined)
        throw custom(`A pull request already exists for ${repo.owner}:${name}.`)
      const made = openIssue(
        deps,
        { repo, actor, role },
        { title, body: body.body ?? null, labels: [], assignees: [], pull: true },
      )
      store.pulls.create(made.id, {
        head_ref: name,
        base_ref: body.base,
        head_sha: head.sha,
        base_sha: base.sha,
        draft: draft ? 1 : 0,
        maintainer_can_modify: modify ? 1 : 0,
      })
      deps.hooks.issue({ repo, issue: made, actor }, 'opened')
      return made
    })
    await keepHead(deps, repo, row.number, head.sha)
    const shape = await show(c, repo, row.number)
    c.header('location', shape.url)
    return c.json(shape, 201)
  })

  api.get(`${R}/pulls/:pull_number`, async (c) => {
    const { repo } = access(deps, c, 'read')
    await syncPulls(deps, repo)
    const row = pullOf(deps, c, repo)
    const accept = c.req.header('accept') ?? ''
    const dir = deps.dirOf(repo)
    if (/\bdiff\b/.test(accept))
      return c.text(await git.diffs.text(dir, await startOf(deps, repo, row), row.head_sha))
    if (/\bpatch\b/.test(accept))
      return c.text(await git.diffs.mail(dir, row.base_sha, row.head_sha))
    return c.json(await show(c, repo, row.number))
  })

  api.patch(`${R}/pulls/:pull_number`, async (c) => {
    const { repo, role, user: actor } = readerAccess(deps, c)
    const row = pullOf(deps, c, repo)
    if (row.user_id !== actor.id && !atLeast(role, 'push')) throw forbidden()
    const body = await readBody(c, 'PullRequest', change)
    const dir = deps.dirOf(repo)
    const base =
      body.base === undefined ? undefined : await git.refs.get(dir, `refs/heads/${body.base}`)
    if (body.base !== undefined && base === undefined)
      throw invalid({ resource: 'PullRequest', field: 'base', code: 'invalid' })
    const head = await git.refs.get(dir, `refs/heads/${row.head_ref}`)
    const now = pullOf(deps, c, repo)
    const on = { repo, issue: now, actor }
    if (body.state === 'open' && now.state === 'closed') {
      if (now.merged_at !== null || head === undefined)
        throw custom('state cannot be changed. The head branch is gone or merged.')
      if (store.pulls.openFor(repo.id, now.head_ref, body.base ?? now.base_ref) !== undefined)
        throw custom(`A pull request already exists for ${repo.owner}:${now.head_ref}.`)
    }
    store.transaction(() => {
      edit(deps, on, { title: body.title, body: body.body })
      if (base !== undefined && body.base !== undefined) {
        store.pulls.update(now.id, { base_ref: body.base, base_sha: base.sha })
        record(deps, on, 'base_ref_changed')
      }
      if (body.state === 'closed' && now.state === 'open') close(deps, on, null)
      if (body.state === 'open' && now.state === 'closed') reopen(deps, on)
    })
    await syncPulls(deps, repo)
    return c.json(await show(c, repo, row.number))
  })

  api.get(`${R}/pulls/:pull_number/files`, async (c) => {
    const { repo } = access(deps, c, 'read')
    await syncPulls(deps, repo)
    const row = pullOf(deps, c, repo)
    const files = await git.diffs.files(
      deps.dirOf(repo),
      await startOf(deps, repo, row),
      row.head_sha,
    )
    return c.json(cut(c, urls, files).map((file) => diffEntry(urls, repo, file, row.head_sha)))
  })

  api.get(`${R}/pulls/:pull_number/commits`, async (c) => {
    const { repo } = access(deps, c, 'read')
    await syncPulls(deps, repo)
    const row = pullOf(deps, c, repo)
    const list = await git.commits.log(deps.dirOf(repo), [`${row.base_sha}..${row.head_sha}`], {
      limit: 250,
    })
    return c.json(cut(c, urls, list.reverse()).map((each) => commit(deps, repo, each)))
  })

  api.get(`${R}/pulls/:pull_number/merge`, (c) => {
    const { repo } = access(deps, c, 'read')
    if (pullOf(deps, c, repo).merged_at === null) throw new ApiError(404, 'Not Found')
    return c.body(null, 204)
  })

  const messageOf = async (repo: RepoRow, row: PullIssue, body: z.infer<typeof merge>) => {
    if (body.merge_method !== 'squash') {
      const first =
        body.commit_title ?? `Merge pull request #${row.number} from ${repo.owner}/${row.head_ref}`
      return `${first}\n\n${body.commit_message ?? row.title}`
    }
    const list = await git.commits.log(deps.dirOf(repo), [`${row.base_sha}..${row.head_sha}`], {
      limit: 250,
    })
    const told = list
      .reverse()
      .map(({ message }) => `* ${message}`)
      .join('\n\n')
    return `${body.commit_title ?? `${row.title} (#${row.number})`}\n\n${body.commit_message ?? told}`
  }

  api.put(`${R}/pulls/:pull_number/merge`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const body = await readBody(c, 'PullRequest', merge)
    await syncPulls(deps, repo)
    const row = pullOf(deps, c, repo)
    if (row.state !== 'open') throw new ApiError(405, 'Pull Request is not mergeable')
    if (row.draft === 1) throw new ApiError(405, 'Pull Request is still a draft')
    const moved = () =>
      new ApiError(409, 'Head branch was modified. Review and try the merge again.')
    if (body.sha !== undefined && body.sha !== row.head_sha) throw moved()
    const message = await messageOf(repo, row, body)
    const outcome = await mergePull(deps, repo, row, caller(c), {
      method: body.merge_method,
      message,
      head: row.head_sha,
    })
    if (outcome.merged)
      return c.json({ sha: outcome.sha, merged: true, message: 'Pull Request successfully merged' })
    if (outcome.why === 'head-changed') throw moved()
    throw new ApiError(
      405,
      outcome.why === 'conflict'
        ? 'Pull Request is not mergeable'
        : 'Base branch was modified. Review and try the merge again.',
    )
  })
}
