/**
 * Dependencies and sub-issues. A forge without them answers 404 on every path of theirs, as an
 * older GitHub Enterprise Server does. Changes need triage and answer with the issue of the path.
 */
import type { Hono } from 'hono'
import { z } from 'zod'
import { invalid, notFound, unprocessable } from '../api-error.ts'
import { access, atLeast } from '../auth.ts'
import { readBody } from '../body.ts'
import { stamp, type Ctx, type Deps, type Env } from '../context.ts'
import { cut } from '../paging.ts'
import { issue } from '../shapes/issue.ts'
import type { Relations } from '../store/relations.ts'
import type { IssueRow, RepoRow } from '../store/rows.ts'
import type { ForgeRole } from '../types.ts'
import { R, idParam, issueOf } from './common.ts'

/** As on github.com. */
const MOST_BLOCKERS = 50
const MOST_PARTS = 100
const MOST_LEVELS = 8

const id = z.number().int().positive()
const blocker = z.object({ issue_id: id })
const part = z.object({ sub_issue_id: id, replace_parent: z.boolean().default(false) })
const order = z.object({ sub_issue_id: id, after_id: id.optional(), before_id: id.optional() })
const I = `${R}/issues/:issue_number`

interface At {
  repo: RepoRow
  row: IssueRow
  relations: Relations
}

export function relationRoutes(api: Hono<Env>, deps: Deps): void {
  const at = (c: Ctx, need: ForgeRole): At => {
    const { repo } = access(deps, c, need)
    const { relations } = deps.store
    if (relations === undefined) throw notFound()
    return { repo, row: issueOf(deps, c, repo), relations }
  }
  const repoOf = (c: Ctx, row: IssueRow): RepoRow | undefined => {
    const repo = deps.store.repos.byId(row.repo_id)
    if (repo === undefined) return undefined
    return atLeast(deps.store.users.roleIn(c.get('user'), repo), 'read') ? repo : undefined
  }
  const list = (c: Ctx, rows: readonly IssueRow[]) => {
    const seen = rows.flatMap((row) => {
      const repo = repoOf(c, row)
      return repo === undefined ? [] : [{ repo, row }]
    })
    return c.json(cut(c, deps.urls, seen).map(({ repo, row }) => issue(deps, repo, row)))
  }
  const named = (c: Ctx, wanted: number, field: string): IssueRow => {
    const row = deps.store.issues.byId(wanted)
    if (row === undefined || row.is_pull === 1 || repoOf(c, row) === undefined)
      throw invalid({ resource: 'Issue', field, code: 'missing' })
    return row
  }
  /** Both ends count as changed, so that `since` finds them. */
  const done = (c: Ctx, { repo, row }: At, other: IssueRow, status: 200 | 201 = 200) => {
    for (const each of [row, other]) deps.store.issues.update(each.id, {}, stamp(deps))
    return c.json(issue(deps, repo, issueOf(deps, c, repo)), status)
  }

  api.get(`${I}/dependencies/blocked_by`, (c) => {
    const { row, relations } = at(c, 'read')
    return list(c, relations.blockers(row.id))
  })
  api.get(`${I}/dependencies/blocking`, (c) => {
    const { row, relations } = at(c, 'read')
    return list(c, relations.blocked(row.id))
  })
  api.post(`${I}/dependencies/blocked_by`, async (c) => {
    const here = at(c, 'triage')
    const other = named(c, (await readBody(c, 'Issue', blocker)).issue_id, 'issue_id')
    const { row, relations } = here
    if (other.id === row.id) throw unprocessable('An issue cannot block itself.')
    if (relations.blockers(row.id).length >= MOST_BLOCKERS)
      throw unprocessable(`An issue has at most ${MOST_BLOCKERS} dependencies.`)
    if (!relations.block(other.id, row.id))
      throw unprocessable('The issue is blocked by this one already.')
    return done(c, here, other, 201)
  })
  api.delete(`${I}/dependencies/blocked_by/:issue_id`, (c) => {
    const here = at(c, 'triage')
    const other = deps.store.issues.byId(idParam(c, 'issue_id'))
    if (other === undefined || !here.relations.unblock(other.id, here.row.id)) throw notFound()
    return done(c, here, other)
  })

  api.get(`${I}/parent`, (c) => {
    const { row, relations } = at(c, 'read')
    const parent = relations.parent(row.id)
    const repo = parent === undefined ? undefined : repoOf(c, parent)
    if (parent === undefined || repo === undefined) throw notFound()
    return c.json(issue(deps, repo, parent))
  })
  api.get(`${I}/sub_issues`, (c) => {
    const { row, relations } = at(c, 'read')
    return list(c, relations.parts(row.id))
  })

  /** Ids of an issue and all above it. */
  const above = (relations: Relations, from: number): number[] => {
    const ids = [from]
    for (let up = relations.parent(from); up !== undefined; up = relations.parent(up.id))
      ids.push(up.id)
    return ids
  }
  api.post(`${I}/sub_issues`, async (c) => {
    const here = at(c, 'triage')
    const body = await readBody(c, 'Issue', part)
    const other = named(c, body.sub_issue_id, 'sub_issue_id')
    const { row, relations } = here
    const line = above(relations, row.id)
    if (line.includes(other.id)) throw unprocessable('An issue cannot be a part of itself.')
    if (line.length >= MOST_LEVELS || relations.parts(row.id).length >= MOST_PARTS)
      throw unprocessable(`At most ${MOST_PARTS} sub-issues and ${MOST_LEVELS} levels.`)
    const parent = relations.parent(other.id)
    if (parent?.id === row.id || (parent !== undefined && !body.replace_parent))
      throw unprocessable('The sub-issue has a parent already.')
    deps.store.transaction(() => relations.addPart(row.id, other.id))
    return done(c, here, other, 201)
  })
  api.delete(`${I}/sub_issue`, async (c) => {
    const here = at(c, 'triage')
    const body = await readBody(c, 'Issue', z.object({ sub_issue_id: id }))
    const other = deps.store.issues.byId(body.sub_issue_id)
    if (other === undefined || !here.relations.removePart(here.row.id, other.id)) throw notFound()
    return done(c, here, other)
  })
  api.patch(`${I}/sub_issues/priority`, async (c) => {
    const here = at(c, 'triage')
    const body = await readBody(c, 'Issue', order)
    const { row, relations } = here
    const ids = relations.parts(row.id).map((each) => each.id)
    const others = ids.filter((each) => each !== body.sub_issue_id)
    const next = body.after_id ?? body.before_id
    const place = next === undefined ? -1 : others.indexOf(next)
    const both = body.after_id !== undefined && body.before_id !== undefined
    if (others.length === ids.length || place < 0 || both)
      throw invalid({ resource: 'Issue', field: 'sub_issue_id', code: 'invalid' })
    others.splice(body.after_id === undefined ? place : place + 1, 0, body.sub_issue_id)
    deps.store.transaction(() => relations.orderParts(row.id, others))
    return done(c, here, named(c, body.sub_issue_id, 'sub_issue_id'))
  })
}
