/** Comments on lines: list, add, answer. Those of a pending review are its author's alone. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { addReviewComment, hunkOf, inlineComment } from '../acts/review-acts.ts'
import { invalid, notFound } from '../api-error.ts'
import { access, caller, readerAccess } from '../auth.ts'
import { longText, readBody, sha } from '../body.ts'
import type { Ctx, Deps, Env } from '../context.ts'
import { cut } from '../paging.ts'
import { reviewComment } from '../shapes/review.ts'
import type { PullIssue, RepoRow, ReviewCommentRow } from '../store/rows.ts'
import { R, idParam, pullOf } from './common.ts'

const newComment = inlineComment
  .extend({ commit_id: sha.optional(), in_reply_to: z.number().int().optional() })
  .partial({ path: true })
const reply = z.object({ body: longText.min(1) })
const P = `${R}/pulls/:pull_number`

export function reviewCommentRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps

  const reader = (c: Ctx) => {
    const found = readerAccess(deps, c)
    return { ...found, pull: pullOf(deps, c, found.repo) }
  }
  const seen = (c: Ctx, { review_id: id }: ReviewCommentRow) => {
    const review = id === null ? undefined : store.pulls.review(id)
    return review?.state !== 'PENDING' || review.user_id === c.get('user')?.id
  }

  api.get(`${P}/comments`, (c) => {
    const { repo } = access(deps, c, 'read')
    const pull = pullOf(deps, c, repo)
    const rows = store.pulls.comments(pull.id).filter((row) => seen(c, row))
    return c.json(cut(c, urls, rows).map((row) => reviewComment(deps, repo, pull, row)))
  })

  api.get(`${R}/pulls/comments/:comment_id`, (c) => {
    const { repo } = access(deps, c, 'read')
    const row = store.pulls.comment(idParam(c, 'comment_id'))
    const pull = row === undefined ? undefined : store.pulls.byIssue(row.issue_id)
    if (row === undefined || pull?.repo_id !== repo.id || !seen(c, row)) throw notFound()
    return c.json(reviewComment(deps, repo, pull, row))
  })

  const say = (c: Ctx, repo: RepoRow, pull: PullIssue, row: ReviewCommentRow) => {
    const comment = reviewComment(deps, repo, pull, row)
    const at = { repo, issue: pull, actor: caller(c) }
    deps.hooks.said('pull_request_review_comment', at, 'created', { comment })
    return c.json(comment, 201)
  }
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
    return addReviewComment(deps, pull, userId, body, { reviewId, hunk, commit, replyTo: to })
  }

  api.post(`${P}/comments`, async (c) => {
    const { repo, pull, user } = reader(c)
    const {
      path,
      in_reply_to: to,
      commit_id: commit,
      ...body
    } = await readBody(c, 'PullRequestReviewComment', newComment)
    if (to !== undefined) return say(c, repo, pull, answer(pull, to, user.id, body.body))
    if (path === undefined)
      throw invalid({ resource: 'PullRequestReviewComment', field: 'path', code: 'missing_field' })
    const hunk = await hunkOf(deps, repo, pull, path)
    const row = addReviewComment(
      deps,
      pull,
      user.id,
      { ...body, path },
      { reviewId: null, hunk, commit: commit ?? pull.head_sha, replyTo: null },
    )
    return say(c, repo, pull, row)
  })

  api.post(`${P}/comments/:comment_id/replies`, async (c) => {
    const { repo, pull, user } = reader(c)
    const { body } = await readBody(c, 'PullRequestReviewComment', reply)
    return say(c, repo, pull, answer(pull, idParam(c, 'comment_id'), user.id, body))
  })
}
