/** Who is asked for a review. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { record } from '../acts/issue-acts.ts'
import { forbidden, unprocessable } from '../api-error.ts'
import { access, atLeast, readerAccess } from '../auth.ts'
import { logins, readBody } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { pullSimple } from '../shapes/pull.ts'
import { simpleUser } from '../shapes/user.ts'
import { R, pullOf } from './common.ts'

const reviewers = z.object({
  reviewers: logins.default([]),
  team_reviewers: z.array(z.string()).default([]),
})
const P = `${R}/pulls/:pull_number`

export function reviewRequestRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps

  api.get(`${P}/requested_reviewers`, (c) => {
    const { repo } = access(deps, c, 'read')
    const users = store.pulls.requested(pullOf(deps, c, repo).id)
    return c.json({ users: users.map((user) => simpleUser(urls, user)), teams: [] })
  })

  const ask = async (c: Ctx, wanted: boolean) => {
    const { repo, role, user: actor } = readerAccess(deps, c)
    const pull = pullOf(deps, c, repo)
    if (!atLeast(role, 'triage')) throw forbidden()
    const body = await readBody(c, 'PullRequest', reviewers)
    const users = body.reviewers.map((login) => store.users.byLogin(login))
    const allowed = users.every(
      (user) =>
        user !== undefined &&
        user.id !== pull.user_id &&
        atLeast(store.users.roleIn(user, repo), 'read'),
    )
    if (wanted && !allowed)
      throw unprocessable(
        'Reviews may only be requested from collaborators, and not from the author of the pull request.',
      )
    store.transaction(() => {
      for (const user of users) {
        if (user === undefined) continue
        const changed = wanted
          ? store.pulls.request(pull.id, user.id)
          : store.pulls.unrequest(pull.id, user.id)
        if (!changed) continue
        const on = { repo, issue: pull, actor }
        const event = wanted ? 'review_requested' : 'review_request_removed'
        record(deps, on, event, { requested_reviewer: user.id })
        deps.hooks.issue(on, event, { requested_reviewer: simpleUser(urls, user) })
      }
    })
    return c.json(pullSimple(deps, repo, pullOf(deps, c, repo), actor), wanted ? 201 : 200)
  }
  api.post(`${P}/requested_reviewers`, (c) => ask(c, true))
  api.delete(`${P}/requested_reviewers`, (c) => ask(c, false))
}
