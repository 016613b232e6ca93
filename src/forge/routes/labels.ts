/** Labels of a repository and of an issue. */
import type { Hono } from 'hono'
import { z } from 'zod'
import * as acts from '../acts/issue-acts.ts'
import { ApiError, invalid, notFound } from '../api-error.ts'
import { access, caller } from '../auth.ts'
import { labelNames, readBody } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { cut } from '../paging.ts'
import { label } from '../shapes/issue.ts'
import type { LabelRow, RepoRow } from '../store/rows.ts'
import { R, issueOf, param } from './common.ts'

const name = z.string().trim().min(1).max(50)
const color = z.string().regex(/^[0-9a-fA-F]{6}$/, 'is six hex digits without #')
const newLabel = z.object({
  name,
  color: color.default('ededed'),
  description: z.string().max(100).nullish(),
})
const change = z.object({
  new_name: name.optional(),
  color: color.optional(),
  description: z.string().max(100).nullish(),
})
/** Names for an issue: in an object, or (as GitHub accepts) as a list. */
const names = z.union([
  labelNames.transform((labels) => ({ labels })),
  z.object({ labels: labelNames.default([]) }),
])

const taken = () => invalid({ resource: 'Label', code: 'already_exists', field: 'name' })

export function labelRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps

  function labelOf(c: Ctx, repo: RepoRow): LabelRow {
    const row = store.labels.byName(repo.id, param(c, 'name'))
    if (row === undefined) throw notFound()
    return row
  }

  api.get(`${R}/labels`, (c) => {
    const { repo } = access(deps, c, 'read')
    const rows = cut(c, urls, store.labels.all(repo.id))
    return c.json(rows.map((row) => label(urls, repo, row)))
  })

  api.post(`${R}/labels`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const body = await readBody(c, 'Label', newLabel)
    if (store.labels.byName(repo.id, body.name) !== undefined) throw taken()
    const row = store.labels.create(repo.id, { ...body, description: body.description ?? null })
    const shape = label(urls, repo, row)
    c.header('location', shape.url)
    return c.json(shape, 201)
  })

  api.get(`${R}/labels/:name`, (c) => {
    const { repo } = access(deps, c, 'read')
    return c.json(label(urls, repo, labelOf(c, repo)))
  })

  api.patch(`${R}/labels/:name`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const body = await readBody(c, 'Label', change)
    const row = labelOf(c, repo)
    const fresh = {
      name: body.new_name ?? row.name,
      color: body.color ?? row.color,
      description: body.description === undefined ? row.description : body.description,
    }
    const other = store.labels.byName(repo.id, fresh.name)
    if (other !== undefined && other.id !== row.id) throw taken()
    store.labels.update(row.id, fresh)
    return c.json(label(urls, repo, { ...row, ...fresh }))
  })

  api.delete(`${R}/labels/:name`, (c) => {
    const { repo } = access(deps, c, 'push')
    store.labels.remove(labelOf(c, repo).id)
    return c.body(null, 204)
  })

  const ofIssue = (c: Ctx, repo: RepoRow) => {
    const rows = store.labels.of(issueOf(deps, c, repo).id)
    return c.json(cut(c, urls, rows).map((row) => label(urls, repo, row)))
  }
  api.get(`${R}/issues/:issue_number/labels`, (c) => ofIssue(c, access(deps, c, 'read').repo))

  const act = async (c: Ctx, how: typeof acts.addLabels) => {
    const { repo } = access(deps, c, 'triage')
    const { labels } = await readBody(c, 'Label', names)
    const on = { repo, actor: caller(c), issue: issueOf(deps, c, repo) }
    if (labels.some((each) => each.trim() === '' || each.length > 50))
      throw invalid({ resource: 'Label', field: 'name', code: 'invalid' })
    store.transaction(() => how(deps, on, labels))
    return ofIssue(c, repo)
  }
  api.post(`${R}/issues/:issue_number/labels`, (c) => act(c, acts.addLabels))
  api.put(`${R}/issues/:issue_number/labels`, (c) => act(c, acts.replaceLabels))

  api.delete(`${R}/issues/:issue_number/labels`, (c) => {
    const { repo } = access(deps, c, 'triage')
    const on = { repo, actor: caller(c), issue: issueOf(deps, c, repo) }
    store.transaction(() => acts.takeLabels(deps, on, store.labels.of(on.issue.id)))
    return c.body(null, 204)
  })

  api.delete(`${R}/issues/:issue_number/labels/:name`, (c) => {
    const { repo } = access(deps, c, 'triage')
    const on = { repo, actor: caller(c), issue: issueOf(deps, c, repo) }
    const wanted = param(c, 'name').toLowerCase()
    const row = store.labels.of(on.issue.id).find((each) => each.name.toLowerCase() === wanted)
    if (row === undefined) throw new ApiError(404, 'Label does not exist')
    store.transaction(() => acts.takeLabels(deps, on, [row]))
    return ofIssue(c, repo)
  })
}
