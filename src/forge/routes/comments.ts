/** Comments and reactions. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { mention, record } from '../acts/issue-acts.ts'
import { forbidden, invalid, notFound } from '../api-error.ts'
import { access, atLeast, readerAccess } from '../auth.ts'
import { longText, readBody } from '../body.ts'
import { stamp, type Ctx, type Deps, type Env } from '../context.ts'
import { cut } from '../paging.ts'
import { REACTIONS, comment, reaction } from '../shapes/issue.ts'
import type { CommentRow, IssueRow, ReactionRow, RepoRow, UserRow } from '../store/rows.ts'
import { R, idParam, issueOf } from './common.ts'

const text = z.object({ body: longText.min(1) })
const content = z.object({ content: z.enum(REACTIONS) })

export function commentRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps

  function commentOf(c: Ctx, repo: RepoRow): { row: CommentRow; on: IssueRow } {
    const row = store.talk.comment(idParam(c, 'comment_id'))
    const on = row === undefined ? undefined : store.issues.byId(row.issue_id)
    if (row === undefined || on === undefined || on.repo_id !== repo.id) throw notFound()
    return { row, on }
  }

  const since = (c: Ctx) => {
    const given = c.req.query('since')
    if (given === undefined) return undefined
    const at = new Date(given)
    if (Number.isNaN(at.getTime()))
      throw invalid({ resource: 'IssueComment', field: 'since', code: 'invalid' })
    return at.toISOString().replace(/\.\d{3}Z$/, 'Z')
  }

  api.get(`${R}/issues/comments`, (c) => {
    const { repo } = access(deps, c, 'read')
    const rows = cut(c, urls, store.talk.commentsOfRepo(repo.id, since(c)))
    return c.json(
      rows.map((row) => comment(deps, repo, store.issues.byId(row.issue_id) as IssueRow, row)),
    )
  })

  api.get(`${R}/issues/comments/:comment_id`, (c) => {
    const { repo } = access(deps, c, 'read')
    const { row, on } = commentOf(c, repo)
    return c.json(comment(deps, repo, on, row))
  })

  /** Own comments, or any with push. */
  const told = (
    at: { repo: RepoRow; on: IssueRow; user: UserRow },
    row: CommentRow,
    action: string,
    more: object = {},
  ) => {
    const where = { repo: at.repo, issue: at.on, actor: at.user }
    const body = { comment: comment(deps, at.repo, at.on, row), ...more }
    deps.hooks.said('issue_comment', where, action, body)
  }

  const own = (c: Ctx) => {
    const { repo, role, user } = readerAccess(deps, c)
    const found = commentOf(c, repo)
    if (found.row.user_id !== user.id && !atLeast(role, 'push')) throw forbidden()
    return { repo, user, ...found }
  }

  api.patch(`${R}/issues/comments/:comment_id`, async (c) => {
    const { repo, user, row, on } = own(c)
    const { body } = await readBody(c, 'IssueComment', text)
    store.transaction(() => {
      store.talk.editComment(row.id, body, stamp(deps))
      const changes = { body: { from: row.body } }
      told({ repo, on, user }, { ...row, body, updated_at: stamp(deps) }, 'edited', { changes })
      mention(deps, { repo, issue: on, actor: user }, body)
    })
    return c.json(comment(deps, repo, on, store.talk.comment(row.id) ?? row))
  })

  api.delete(`${R}/issues/comments/:comment_id`, (c) => {
    const { row, ...at } = own(c)
    store.transaction(() => {
      told(at, row, 'deleted')
      store.talk.removeComment(row.id)
    })
    return c.body(null, 204)
  })

  api.get(`${R}/issues/:issue_number/comments`, (c) => {
    const { repo } = access(deps, c, 'read')
    const on = issueOf(deps, c, repo)
    const rows = cut(c, urls, store.talk.comments(on.id, since(c)))
    return c.json(rows.map((row) => comment(deps, repo, on, row)))
  })

  api.post(`${R}/issues/:issue_number/comments`, async (c) => {
    const { repo, role, user } = readerAccess(deps, c)
    const on = issueOf(deps, c, repo)
    if (on.locked === 1 && !atLeast(role, 'push'))
      throw forbidden('Unable to create comment because issue is locked.')
    const { body } = await readBody(c, 'IssueComment', text)
    const row = store.transaction(() => {
      const made = store.talk.addComment(on.id, user.id, body, stamp(deps))
      store.issues.update(on.id, {}, stamp(deps))
      record(deps, { repo, issue: on, actor: user }, 'commented', { comment: made.id })
      mention(deps, { repo, issue: on, actor: user }, body)
      told({ repo, on, user }, made, 'created')
      return made
    })
    const shape = comment(deps, repo, on, row)
    c.header('location', shape.url)
    return c.json(shape, 201)
  })

  const subjects = [
    { path: `${R}/issues/comments/:comment_id/reactions`, subject: 'comment' },
    { path: `${R}/issues/:issue_number/reactions`, subject: 'issue' },
  ] as const
  for (const { path, subject } of subjects) {
    const idOf = (c: Ctx, repo: RepoRow, kind: ReactionRow['subject']) =>
      kind === 'comment' ? commentOf(c, repo).row.id : issueOf(deps, c, repo).id

    api.get(path, (c) => {
      const { repo } = access(deps, c, 'read')
      const rows = store.talk.reactions(subject, idOf(c, repo, subject))
      return c.json(cut(c, urls, rows).map((row) => reaction(deps, row)))
    })
    api.post(path, async (c) => {
      const { repo, user } = readerAccess(deps, c)
      const id = idOf(c, repo, subject)
      const body = await readBody(c, 'Reaction', content)
      const { row, fresh } = store.talk.react(subject, id, user.id, body.content, stamp(deps))
      return c.json(reaction(deps, row), fresh ? 201 : 200)
    })
    api.delete(`${path}/:reaction_id`, (c) => {
      const { repo, role, user } = readerAccess(deps, c)
      const wanted = idParam(c, 'reaction_id')
      const row = store.talk
        .reactions(subject, idOf(c, repo, subject))
        .find(({ id }) => id === wanted)
      if (row === undefined) throw notFound()
      if (row.user_id !== user.id && !atLeast(role, 'push')) throw forbidden()
      store.talk.unreact(row.id)
      return c.body(null, 204)
    })
  }
}
