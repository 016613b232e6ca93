/** Issues: list, open, read, change, lock. */
import type { Hono } from 'hono'
import { z } from 'zod'
import * as acts from '../acts/issue-acts.ts'
import { ApiError, forbidden, invalid } from '../api-error.ts'
import { access, atLeast, readerAccess } from '../auth.ts'
import { labelNames, logins, longText, readBody, title } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { linkPages, pageOf } from '../paging.ts'
import { issue } from '../shapes/issue.ts'
import type { IssueFilter } from '../store/issues.ts'
import type { IssueRow, RepoRow } from '../store/rows.ts'
import { R, issueOf } from './common.ts'

const newIssue = z.object({
  title: z.union([title, z.number().transform(String)]),
  body: longText.nullish(),
  labels: labelNames.nullish(),
  assignees: logins.nullish(),
  assignee: z.string().nullish(),
})

const reasons = z.enum(['completed', 'not_planned', 'duplicate', 'reopened'])
const change = newIssue.partial().extend({
  state: z.enum(['open', 'closed']).optional(),
  state_reason: reasons.nullish(),
})
const lock = z.object({
  lock_reason: z.enum(['off-topic', 'too heated', 'resolved', 'spam']).nullish(),
})

/** One of the allowed words of a query. Errors: 422. */
export function choice<T extends string>(
  c: Ctx,
  name: string,
  allowed: readonly T[],
  otherwise: T,
): T {
  const given = c.req.query(name)
  if (given === undefined || given === '') return otherwise
  const found = allowed.find((word) => word === given)
  if (found !== undefined) return found
  throw invalid({ resource: 'Search', field: name, code: 'invalid', value: given.slice(0, 100) })
}

function filterOf(c: Ctx, repo: RepoRow): Omit<IssueFilter, 'limit' | 'offset'> {
  const text = (name: string) => c.req.query(name) || undefined
  const since = text('since')
  const at = since === undefined ? undefined : new Date(since)
  if (at !== undefined && Number.isNaN(at.getTime()))
    throw invalid({ resource: 'Issue', field: 'since', code: 'invalid' })
  const assignee = text('assignee')
  const creator = text('creator')
  const mentioned = text('mentioned')
  return {
    repoId: repo.id,
    state: choice(c, 'state', ['open', 'closed', 'all'], 'open'),
    sort: choice(c, 'sort', ['created', 'updated', 'comments'], 'created'),
    direction: choice(c, 'direction', ['asc', 'desc'], 'desc'),
    labels: (text('labels') ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    ...(assignee === undefined ? {} : { assignee }),
    ...(creator === undefined ? {} : { creator }),
    ...(mentioned === undefined ? {} : { mentioned }),
    ...(at === undefined ? {} : { since: at.toISOString().replace(/\.\d{3}Z$/, 'Z') }),
  }
}

function applyChange(
  deps: Deps,
  on: acts.On,
  push: boolean,
  triage: boolean,
  body: z.infer<typeof change>,
): void {
  acts.edit(deps, on, { title: body.title, body: body.body })
  if (body.labels !== undefined && triage) acts.replaceLabels(deps, on, body.labels ?? [])
  const assignees =
    body.assignees ?? (body.assignee === undefined ? undefined : [body.assignee ?? ''])
  if (assignees !== undefined && push)
    acts.replaceAssignees(
      deps,
      on,
      assignees.filter((login) => login !== ''),
    )
  const reason = body.state_reason ?? undefined
  if (body.state === 'closed' && on.issue.state === 'open') {
    const closing = reason === 'reopened' || reason === undefined ? 'completed' : reason
    acts.close(deps, on, on.issue.is_pull === 1 ? null : closing)
  } else if (body.state === 'open' && on.issue.state === 'closed') acts.reopen(deps, on)
}

export function issueRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps
  const show = (repo: RepoRow, row: IssueRow) => issue(deps, repo, store.issues.byId(row.id) ?? row)

  api.get(`${R}/issues`, (c) => {
    const { repo } = access(deps, c, 'read')
    const page = pageOf(c)
    const { rows, total } = store.issues.list({ ...filterOf(c, repo), ...page })
    linkPages(c, urls, page, total)
    return c.json(rows.map((row) => issue(deps, repo, row)))
  })

  api.post(`${R}/issues`, async (c) => {
    const { repo, role, user: actor } = readerAccess(deps, c)
    const body = await readBody(c, 'Issue', newIssue)
    const row = acts.openIssue(
      deps,
      { repo, actor, role },
      {
        title: body.title,
        body: body.body ?? null,
        labels: body.labels ?? [],
        assignees: body.assignees ?? (body.assignee ? [body.assignee] : []),
        pull: false,
      },
    )
    const shape = show(repo, row)
    c.header('location', shape.url)
    return c.json(shape, 201)
  })

  api.get(`${R}/issues/:issue_number`, (c) => {
    const { repo } = access(deps, c, 'read')
    return c.json(show(repo, issueOf(deps, c, repo)))
  })

  api.patch(`${R}/issues/:issue_number`, async (c) => {
    const { repo, role, user: actor } = readerAccess(deps, c)
    const row = issueOf(deps, c, repo)
    const triage = atLeast(role, 'triage')
    if (!triage && row.user_id !== actor.id) throw forbidden()
    const body = await readBody(c, 'Issue', change)
    if (row.is_pull === 1 && body.state === 'open' && store.pulls.byIssue(row.id)?.merged_at)
      throw new ApiError(422, 'Validation Failed', [
        {
          resource: 'Issue',
          field: 'state',
          code: 'custom',
          message: 'A merged pull request cannot be reopened.',
        },
      ])
    const on = { repo, issue: issueOf(deps, c, repo), actor }
    store.transaction(() => applyChange(deps, on, atLeast(role, 'push'), triage, body))
    return c.json(show(repo, row))
  })

  const setLock = (c: Ctx, locked: boolean, reason: string | null) => {
    const { repo } = access(deps, c, 'triage')
    const { user: actor } = readerAccess(deps, c)
    const on = { repo, issue: issueOf(deps, c, repo), actor }
    store.transaction(() => acts.setLock(deps, on, locked, reason))
    return c.body(null, 204)
  }
  api.put(`${R}/issues/:issue_number/lock`, async (c) => {
    access(deps, c, 'triage')
    const body = await readBody(c, 'Issue', lock)
    return setLock(c, true, body.lock_reason ?? null)
  })
  api.delete(`${R}/issues/:issue_number/lock`, (c) => setLock(c, false, null))
}
