/** Comments on lines of a pull request. */
import { z } from 'zod'
import { invalid } from '../api-error.ts'
import { longText } from '../body.ts'
import { stamp, type Deps } from '../context.ts'
import type { PullIssue, RepoRow, ReviewCommentRow } from '../store/rows.ts'
import { startOf } from './pull-acts.ts'

/** Of a file's patch, characters that a comment keeps. */
const HUNK_CHARS = 10_000
const line = z.number().int().positive().optional()

export const inlineComment = z.object({
  path: z.string().min(1).max(4_096),
  body: longText.min(1),
  line,
  position: line,
  side: z.enum(['LEFT', 'RIGHT']).default('RIGHT'),
})

/** The patch that a comment on `path` stands on. Errors: 422 when the pull request leaves the file alone. */
export async function hunkOf(
  deps: Deps,
  repo: RepoRow,
  pull: PullIssue,
  path: string,
): Promise<string> {
  const start = await startOf(deps, repo, pull)
  const files = await deps.git.diffs.files(deps.dirOf(repo), start, pull.head_sha)
  const file = files.find((each) => each.path === path)
  if (file === undefined)
    throw invalid({ resource: 'PullRequestReviewComment', field: 'path', code: 'invalid' })
  return (file.patch ?? '').slice(0, HUNK_CHARS)
}

export function addReviewComment(
  deps: Deps,
  pull: PullIssue,
  userId: number,
  body: z.infer<typeof inlineComment>,
  more: { reviewId: number | null; hunk: string; commit: string; replyTo: number | null },
): ReviewCommentRow {
  return deps.store.pulls.addComment({
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
}
