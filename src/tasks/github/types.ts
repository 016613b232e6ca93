/** What the tasks ask of GitHub. `github.ts` answers it with octokit; tests of the flow answer it themselves. */
import type { RefsApi } from './refs.ts'
import type { Comment, Issue, Pull, RateLimit, Repository } from './shapes.ts'

export interface GitHub {
  /** Login that the token belongs to; of an App `slug[bot]`. Tried once. Errors: `GITHUB_UNAUTHORIZED`. */
  viewer(signal: AbortSignal): Promise<string>
  repository(repo: string, signal: AbortSignal): Promise<Repository>
  /**
   * Open issues with a label, oldest first, without pull requests; at most 2,000. A listing of less
   * than one page is asked for by ETag. When issues close or open between two pages, one that is open
   * may be missing: that an issue is absent here does not say that it is closed, so read it
   * with `issue` before anything is given up for it.
   */
  openIssues(repo: string, label: string, signal: AbortSignal): Promise<Issue[]>
  issue(repo: string, number: number, signal: AbortSignal): Promise<Issue>
  /** Adds the login and returns the issue as it stands then; GitHub drops what it cannot assign in silence. */
  assign(repo: string, number: number, login: string, signal: AbortSignal): Promise<Issue>
  unassign(repo: string, number: number, login: string, signal: AbortSignal): Promise<void>
  addLabel(repo: string, number: number, label: string, signal: AbortSignal): Promise<void>
  comment(repo: string, number: number, body: string, signal: AbortSignal): Promise<string>
  /**
   * Comments that were written or edited at `sinceIso` (ISO 8601, GitHub's clock) or later, oldest
   * first; at most 300. GitHub has no order by newest here.
   */
  comments(repo: string, number: number, sinceIso: string, signal: AbortSignal): Promise<Comment[]>
  openPull(
    repo: string,
    pull: { head: string; base: string; title: string; body: string; draft?: boolean },
    signal: AbortSignal,
  ): Promise<Pull>
  /** The newest pull request from this branch into that base, or into any, open ones first. */
  findPull(
    repo: string,
    head: string,
    base: string | undefined,
    signal: AbortSignal,
  ): Promise<Pull | undefined>
  rateLimit(): RateLimit | null
}

/** With what is asked when a repository is made ready, and by whoever shares the limits. */
export interface GitHubWithRefs extends GitHub {
  refs(repo: string): RefsApi
  /** Whether issues of the repository can be assigned to the login. */
  assignable(repo: string, login: string, signal: AbortSignal): Promise<boolean>
  /**
   * Whose rate limit calls for this repository count against: `user:LOGIN@HOST` or
   * `app:ID/INSTALLATION@HOST`; no secret in it. Null until it is known. Without a repository: of an
   * App only when it uses one installation.
   */
  principal(repo?: string): string | null
}
