/** Reviews, review comments and who is asked for a review. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { record } from '../acts/issue-acts.ts'
import { startOf } from '../acts/pull-acts.ts'
import { forbidden, invalid, notFound, unprocessable } from '../api-error.ts'
import { access, atLeast, caller, readerAccess } from '../auth.ts'
import { logins, longText, readBody, sha } from '../body.ts'
import { stamp, type Ctx, type Deps, type Env } from '../context.ts'
import { cut } from '../paging.ts'
import { pullSimple } from '../shapes/pull.ts'
import { review, reviewComment } from '../shapes/review.ts'
import { simpleUser } from '../shapes/user.ts'
import type { PullIssue, RepoRow, ReviewRow } from '../store/rows.ts'
import { R, idParam, pullOf } from './common.ts'

const EVENTS = {
  APPROVE: 'APPROVED',
  REQUEST_CHANGES: 'CHANGES_REQUESTED',
  COMMENT: 'COMMENTED',
} as const
const event = z.enum(['APPROVE', 'REQUEST_CHANGES', 'COMMENT'])
const line = z.number().int().positive().optional()
const side = z.enum(['LEFT', 'RIGHT']).default('RIGHT')
const inline = z.object({
  path: z.string().min(1).max(4_096),
  body: longText.min(1),
  line,
  position: line,
  side,
})
const newReview = z.object({
  body: longText.default(''),
  event: event.optional(),
  commit_id: sha.optional(),
  comments: z.array(inline).max(100).default([]),
})
const submit = z.object({ body: longText.optional(), event })
const dismissal = z.object({ message: longText })
const newComment = inline
  .extend({ commit_id: sha.optional(), in_reply_to: z.number().int().optional() })
  .partial({ path: true })
const reply = z.object({ body: longText.min(1) })
const reviewers = z.object({
  reviewers: logins.default([]),
  team_reviewers: z.array(z.string()).default([]),
})
const P = `${R}/pulls/:pull_number`

export function reviewRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls, git } = deps

  const reader = (c: Ctx) => {
    const found = readerAccess(deps, c)
    return { ...found, pull: pullOf(deps, c, found.repo) }
  }
  /** A pending review is seen by its author only. */
  const seen = (c: Ctx, row: ReviewRow) =>
    row.state !== 'PENDING' || row.user_id === c.get('user')?.id
  const reviewOf = (c: Ctx, pull: PullIssue): ReviewRow => {
    const row = store.pulls.review(idParam(c, 'review_id'))
    if (row === undefined || row.issue_id !== pull.id || !seen(c, row)) throw notFound()
    return row
  }
  const checkVerdict = (verdict: z.infer<typeof event>, own: boolean, text: string) => {
    if (own && verdict !== 'COMMENT')
      throw unprocessable(
        `Can not ${verdict === 'APPROVE' ? 'approve' : 'request changes on'} your own pull request`,
      )
    if (verdict !== 'APPROVE' && text === '')
      throw invalid({ resource: 'PullRequestReview', field: 'body', code: 'missing_field' })
  }
  async function hunkOf(repo: RepoRow, pull: PullIssue, path: string): Promise<string> {
    const files = await git.diffs.files(
      deps.dirOf(repo),
      await startOf(deps, repo, pull),
      pull.head_sha,
    )
    const file = files.find((each) => each.path === path)
    if (file === undefined)
      throw invalid({ resource: 'PullRequestReviewComment', field: 'path', code: 'invalid' })
    return (file.patch ?? '').slice(0, 10_000)
  }
  const addComment = (
    pull: PullIssue,
    userId: number,
    body: z.infer<typeof inline>,
    more: { reviewId: number | null; hunk: string; commit: string; replyTo: number | null },
  ) =>
    store.pulls.addComment({
      issue_id: pull.id,
      review_id: more.reviewId,
      user_id: userId,
      body: body.body,
      path: body.path,
      line: body.line ?? body.position ?? null,
      side: body.side,
      commit_id: more.commit,
      diff_hunk: more.hunk,
      reply_to: more.replyTo,
      created_at: stamp(deps),
      updated_at: stamp(deps),
    })

  api.get(`${P}/reviews`, (c) => {
    const { repo } = access(deps, c, 'read')
    const pull = pullOf(deps, c, repo)
    const rows = store.pulls.reviews(pull.id).filter((row) => seen(c, row))
    return c.json(cut(c, urls, rows).map((row) => review(deps, repo, pull, row)))
  })

  api.post(`${P}/reviews`, async (c) => {
    const { repo, pull, user } = reader(c)
    const body = await readBody(c, 'PullRequestReview', newReview)
    if (body.event !== undefined)
      checkVerdict(
        body.event,
        pull.user_id === user.id,
        body.body || (body.comments.length > 0 ? ' ' : ''),
      )
    const hunks = await Promise.all(body.comments.map((each) => hunkOf(repo, pull, each.path)))
    const commit = body.commit_id ?? pull.head_sha
    const row = store.transaction(() => {
      const made = store.pulls.addReview({
        issue_id: pull.id,
        user_id: user.id,
        body: body.body,
        state: body.event === undefined ? 'PENDING' : EVENTS[body.event],
        commit_id: commit,
        submitted_at: body.event === undefined ? null : stamp(deps),
      })
      body.comments.forEach((each, at) =>
        addComment(pull, user.id, each, {
          reviewId: made.id,
          hunk: hunks[at] ?? '',
          commit,
          replyTo: null,
        }),
      )
      store.pulls.unrequest(pull.id, user.id)
      store.issues.update(pull.id, {}, stamp(deps))
      return made
    })
    return c.json(review(deps, repo, pull, row))
  })

  api.get(`${P}/reviews/:review_id`, (c) => {
    const { repo } = access(deps, c, 'read')
    const pull = pullOf(deps, c, repo)
    return c.json(review(deps, repo, pull, reviewOf(c, pull)))
  })

  api.get(`${P}/reviews/:review_id/comments`, (c) => {
    const { repo } = access(deps, c, 'read')
    const pull = pullOf(deps, c, repo)
    const { id } = reviewOf(c, pull)
    const rows = store.pulls.comments(pull.id).filter((row) => row.review_id === id)
    return c.json(cut(c, urls, rows).map((row) => reviewComment(deps, repo, pull, row)))
  })

  api.post(`${P}/reviews/:review_id/events`, async (c) => {
    const { repo, pull, user } = reader(c)
    const row = reviewOf(c, pull)
    const body = await readBody(c, 'PullRequestReview', submit)
    if (row.state !== 'PENDING' || row.user_id !== user.id)
      throw unprocessable('Review is not pending')
    const text = body.body ?? row.body
    checkVerdict(body.event, pull.user_id === user.id, text)
    store.pulls.updateReview(row.id, {
      body: text,
      state: EVENTS[body.event],
      submitted_at: stamp(deps),
    })
    return c.json(review(deps, repo, pull, store.pulls.review(row.id) ?? row))
  })

  api.put(`${P}/reviews/:review_id/dismissals`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const pull = pullOf(deps, c, repo)
    const row = reviewOf(c, pull)
    await readBody(c, 'PullRequestReview', dismissal)
    if (row.state === 'PENDING') throw unprocessable('Can not dismiss a pending review')
    store.pulls.updateReview(row.id, { state: 'DISMISSED' })
    return c.json(review(deps, repo, pull, { ...row, state: 'DISMISSED' }))
  })

  api.delete(`${P}/reviews/:review_id`, (c) => {
    const { repo, pull, user } = reader(c)
    const row = reviewOf(c, pull)
    if (row.state !== 'PENDING' || row.user_id !== user.id)
      throw unprocessable('Can not delete a non-pending pull request review')
    store.transaction(() => store.pulls.removeReview(row.id))
    return c.json(review(deps, repo, pull, row))
  })

  api.get(`${P}/comments`, (c) => {
    const { repo } = access(deps, c, 'read')
    const pull = pullOf(deps, c, repo)
    return c.json(
      cut(c, urls, store.pulls.comments(pull.id)).map((row) =>
        reviewComment(deps, repo, pull, row),
      ),
    )
  })

  api.get(`${R}/pulls/comments/:comment_id`, (c) => {
    const { repo } = access(deps, c, 'read')
    const row = store.pulls.comment(idParam(c, 'comment_id'))
    const pull = row === undefined ? undefined : store.pulls.byIssue(row.issue_id)
    if (row === undefined || pull === undefined || pull.repo_id !== repo.id) throw notFound()
    return c.json(reviewComment(deps, repo, pull, row))
  })

  const answer = (pull: PullIssue, to: number, userId: number, text: string) => {
    const first = store.pulls.comment(to)
    if (first === undefined || first.issue_id !== pull.id) throw notFound()
    const {
      path,
      line: at,
      side: where,
      review_id: reviewId,
      diff_hunk: hunk,
      commit_id: commit,
    } = first
    const body = { path, body: text, side: where, ...(at === null ? {} : { line: at }) }
    return addComment(pull, userId, body, { reviewId, hunk, commit, replyTo: to })
  }

  api.post(`${P}/comments`, async (c) => {
    const { repo, pull, user } = reader(c)
    const {
      path,
      in_reply_to: to,
      commit_id: commit,
      ...body
    } = await readBody(c, 'PullRequestReviewComment', newComment)
    if (to !== undefined)
      return c.json(reviewComment(deps, repo, pull, answer(pull, to, user.id, body.body)), 201)
    if (path === undefined)
      throw invalid({ resource: 'PullRequestReviewComment', field: 'path', code: 'missing_field' })
    const hunk = await hunkOf(repo, pull, path)
    const row = addComment(
      pull,
      user.id,
      { ...body, path },
      { reviewId: null, hunk, commit: commit ?? pull.head_sha, replyTo: null },
    )
    return c.json(reviewComment(deps, repo, pull, row), 201)
  })

  api.post(`${P}/comments/:comment_id/replies`, async (c) => {
    const { repo, pull, user } = reader(c)
    const { body } = await readBody(c, 'PullRequestReviewComment', reply)
    return c.json(
      reviewComment(deps, repo, pull, answer(pull, idParam(c, 'comment_id'), user.id, body)),
      201,
    )
  })

  api.get(`${P}/requested_reviewers`, (c) => {
    const { repo } = access(deps, c, 'read')
    const users = store.pulls.requested(pullOf(deps, c, repo).id)
    return c.json({ users: users.map((user) => simpleUser(urls, user)), teams: [] })
  })

  const ask = async (c: Ctx, wanted: boolean) => {
    const { repo, role, pull, user: actor } = reader(c)
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
        if (changed)
          record(
            deps,
            { repo, issue: pull, actor },
            wanted ? 'review_requested' : 'review_request_removed',
            { requested_reviewer: user.id },
          )
      }
    })
    return c.json(pullSimple(deps, repo, pullOf(deps, c, repo), caller(c)), wanted ? 201 : 200)
  }
  api.post(`${P}/requested_reviewers`, (c) => ask(c, true))
  api.delete(`${P}/requested_reviewers`, (c) => ask(c, false))
}
