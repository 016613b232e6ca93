/** Who can be assigned, and who is. Additions that are not allowed are dropped in silence with 201. */
import type { Hono } from 'hono'
import { z } from 'zod'
import * as acts from '../acts/issue-acts.ts'
import { notFound } from '../api-error.ts'
import { access, atLeast, readerAccess } from '../auth.ts'
import { logins, readBody } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { cut } from '../paging.ts'
import { issue } from '../shapes/issue.ts'
import { simpleUser } from '../shapes/user.ts'
import { R, issueOf, param } from './common.ts'

const body = z.object({
  assignees: z.union([logins, z.string().transform((one) => [one])]).default([]),
})

export function assigneeRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps

  api.get(`${R}/assignees`, (c) => {
    const { repo } = access(deps, c, 'read')
    const users = store.users.all().filter((user) => acts.assignable(deps, repo, user))
    return c.json(cut(c, urls, users).map((user) => simpleUser(urls, user)))
  })

  const check = (c: Ctx, withIssue: boolean) => {
    const { repo } = access(deps, c, 'read')
    if (withIssue) issueOf(deps, c, repo)
    const user = store.users.byLogin(param(c, 'assignee'))
    if (user === undefined || !acts.assignable(deps, repo, user)) throw notFound()
    return c.body(null, 204)
  }
  api.get(`${R}/assignees/:assignee`, (c) => check(c, false))
  api.get(`${R}/issues/:issue_number/assignees/:assignee`, (c) => check(c, true))

  const act = async (c: Ctx, how: typeof acts.assign, status: 200 | 201) => {
    const { repo, role, user: actor } = readerAccess(deps, c)
    const wanted = await readBody(c, 'Issue', body)
    const on = { repo, actor, issue: issueOf(deps, c, repo) }
    if (atLeast(role, 'push')) store.transaction(() => how(deps, on, wanted.assignees))
    return c.json(issue(deps, repo, issueOf(deps, c, repo)), status)
  }
  api.post(`${R}/issues/:issue_number/assignees`, (c) => act(c, acts.assign, 201))
  api.delete(`${R}/issues/:issue_number/assignees`, (c) => act(c, acts.unassign, 200))
}
