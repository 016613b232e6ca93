/** What may be told of what happens, to become webhooks; see `hooks.ts`. */
import type { DeliveryRow, HookRow, IssueRow, RepoRow, UserRow } from '../store/rows.ts'

export type Shape = Record<string, unknown>

export interface At {
  repo: RepoRow
  actor: UserRow
}

export interface Hooks {
  /** What happened to an issue or a pull request. */
  issue(at: At & { issue: IssueRow }, action: string, more?: Shape): void
  /** `comment`, a review or a review comment: `body` holds it under its own name. */
  said(
    event: 'issue_comment' | 'pull_request_review' | 'pull_request_review_comment',
    at: At & { issue: IssueRow },
    action: string,
    body: Shape,
  ): void
  /** Anything else of a repository. */
  fact(event: string, at: At, action: string | null, body: () => Shape | Promise<Shape>): void
  /** Tells pushes: which branches and tags are not where they were when last asked. */
  refs(repo: RepoRow, actor: UserRow): Promise<void>
  ping(hook: HookRow, at: At): void
  /** False: too many wait. */
  again(hook: HookRow, repo: RepoRow, delivery: DeliveryRow): boolean
  /** Remembers where the branches of a repository are, so that the next push is seen whole. */
  watch(repo: RepoRow): Promise<void>
  stop(): Promise<void>
}
