/** Issue events and the timeline. A cross-reference stands in the timeline only, as on github.com. */
import type { Hono } from 'hono'
import { notFound } from '../api-error.ts'
import { access } from '../auth.ts'
import type { Deps, Env } from '../context.ts'
import { cut } from '../paging.ts'
import { issueEvent, listed, timeline } from '../shapes/event.ts'
import { issue } from '../shapes/issue.ts'
import { R, idParam, issueOf } from './common.ts'

/** Commits of one pull request that its timeline shows. */
const COMMITS = 250
/** How often a client shall ask for events, s, as on github.com. */
const POLL_S = 60

export function eventRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps

  api.get(`${R}/issues/events`, (c) => {
    const { repo } = access(deps, c, 'read')
    const rows = cut(c, urls, store.talk.eventsOfRepo(repo.id).filter(listed))
    c.header('x-poll-interval', String(POLL_S))
    return c.json(
      rows.map((row) => {
        const on = store.issues.byId(row.issue_id)
        return {
          ...issueEvent(deps, repo, row),
          ...(on === undefined ? {} : { issue: issue(deps, repo, on) }),
        }
      }),
    )
  })

  api.get(`${R}/issues/events/:event_id`, (c) => {
    const { repo } = access(deps, c, 'read')
    const row = store.talk.event(idParam(c, 'event_id'))
    if (row === undefined || row.repo_id !== repo.id || !listed(row)) throw notFound()
    return c.json(issueEvent(deps, repo, row))
  })

  api.get(`${R}/issues/:issue_number/events`, (c) => {
    const { repo } = access(deps, c, 'read')
    const rows = store.talk.events(issueOf(deps, c, repo).id).filter(listed)
    return c.json(cut(c, urls, rows).map((row) => issueEvent(deps, repo, row)))
  })

  api.get(`${R}/issues/:issue_number/timeline`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const on = issueOf(deps, c, repo)
    const pull = store.pulls.byIssue(on.id)
    const range = pull === undefined ? [] : [`${pull.base_sha}..${pull.head_sha}`]
    const commits =
      pull === undefined
        ? []
        : await deps.git.commits.log(deps.dirOf(repo), range, { limit: COMMITS })
    return c.json(cut(c, urls, timeline(deps, deps, repo, on, commits.reverse())))
  })
}
