/** Reviews: open, submit, dismiss. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { record } from '../acts/issue-acts.ts'
import { addReviewComment, hunkOf, inlineComment } from '../acts/review-acts.ts'
import { invalid, notFound, unprocessable } from '../api-error.ts'
import { access, caller, readerAccess } from '../auth.ts'
import { longText, readBody, sha } from '../body.ts'
import { stamp, type Ctx, type Deps, type Env } from '../context.ts'
import { reviewShape } from '../hooks/payloads.ts'
import { cut } from '../paging.ts'
import { review, reviewComment } from '../shapes/review.ts'
import type { PullIssue, RepoRow, ReviewRow, UserRow } from '../store/rows.ts'
import { R, idParam, pullOf } from './common.ts'

const EVENTS = {
  APPROVE: 'APPROVED',
  REQUEST_CHANGES: 'CHANGES_REQUESTED',
  COMMENT: 'COMMENTED',
} as const
const event = z.enum(['APPROVE', 'REQUEST_CHANGES', 'COMMENT'])
const newReview = z.object({
  body: longText.default(''),
  event: event.optional(),
  commit_id: sha.optional(),
  comments: z.array(inlineComment).max(100).default([]),
})
const submit = z.object({ body: longText.optional(), event })
const dismissal = z.object({ message: longText })
const P = `${R}/pulls/:pull_number`

export function reviewRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps

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
  const told = (
    { repo, pull, user }: { repo: RepoRow; pull: PullIssue; user: UserRow },
    action: 'submitted' | 'dismissed',
    row: ReviewRow,
  ) => {
    const body = { review: reviewShape(deps, repo, pull, row) }
    deps.hooks.said('pull_request_review', { repo, issue: pull, actor: user }, action, body)
  }
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
    const hunks = await Promise.all(
      body.comments.map((each) => hunkOf(deps, repo, pull, each.path)),
    )
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
        addReviewComment(deps, pull, user.id, each, {
          reviewId: made.id,
          hunk: hunks[at] ?? '',
          commit,
          replyTo: null,
        }),
      )
      store.pulls.unrequest(pull.id, user.id)
      store.issues.update(pull.id, {}, stamp(deps))
      if (body.event !== undefined) {
        record(deps, { repo, issue: pull, actor: user }, 'reviewed', { review: made.id })
        told({ repo, pull, user }, 'submitted', made)
      }
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
    record(deps, { repo, issue: pull, actor: user }, 'reviewed', { review: row.id })
    const now = store.pulls.review(row.id) ?? row
    told({ repo, pull, user }, 'submitted', now)
    return c.json(review(deps, repo, pull, now))
  })

  api.put(`${P}/reviews/:review_id/dismissals`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const pull = pullOf(deps, c, repo)
    const row = reviewOf(c, pull)
    await readBody(c, 'PullRequestReview', dismissal)
    if (row.state === 'PENDING') throw unprocessable('Can not dismiss a pending review')
    store.pulls.updateReview(row.id, { state: 'DISMISSED' })
    const now: ReviewRow = { ...row, state: 'DISMISSED' }
    told({ repo, pull, user: caller(c) }, 'dismissed', now)
    return c.json(review(deps, repo, pull, now))
  })

  api.delete(`${P}/reviews/:review_id`, (c) => {
    const { repo, pull, user } = reader(c)
    const row = reviewOf(c, pull)
    if (row.state !== 'PENDING' || row.user_id !== user.id)
      throw unprocessable('Can not delete a non-pending pull request review')
    store.transaction(() => store.pulls.removeReview(row.id))
    return c.json(review(deps, repo, pull, row))
  })
}
