/**
 * What is written to issues and pull requests while one is worked, and what is read of them there:
 * people, labels, comments, the pull request of a branch. No octokit here: `github.ts` lends its call.
 */
import { z } from 'zod'
import type { Call } from './gate-calls.ts'
import { commentSchema, issueSchema, pullSchema, toIssue, toPull, type Comment } from './shapes.ts'
import type { GitHub } from './types.ts'

type IssueCalls = Pick<
  GitHub,
  'assign' | 'unassign' | 'addLabel' | 'comment' | 'comments' | 'openPull' | 'findPull'
>

const maxCommentPages = 3
const perPage = 100

/** Parameters of a route for `owner/name`. */
export const at = (repo: string) => {
  const [owner = '', name = ''] = repo.split('/')
  return { owner, repo: name }
}

/** Whether a listing has another page. */
export const hasNext = (headers: Record<string, unknown>) =>
  String(headers['link'] ?? '').includes('rel="next"')

export function issueCalls(call: Call): IssueCalls {
  return {
    async assign(repo, number, login, signal) {
      const parameters = { ...at(repo), issue_number: number, assignees: [login] }
      return toIssue(
        (
          await call(
            'POST /repos/{owner}/{repo}/issues/{issue_number}/assignees',
            parameters,
            issueSchema,
            signal,
          )
        ).data,
      )
    },
    async unassign(repo, number, login, signal) {
      const parameters = { ...at(repo), issue_number: number, assignees: [login] }
      await call(
        'DELETE /repos/{owner}/{repo}/issues/{issue_number}/assignees',
        parameters,
        z.unknown(),
        signal,
      )
    },
    async addLabel(repo, number, label, signal) {
      const parameters = { ...at(repo), issue_number: number, labels: [label] }
      await call(
        'POST /repos/{owner}/{repo}/issues/{issue_number}/labels',
        parameters,
        z.unknown(),
        signal,
      )
    },
    async comment(repo, number, body, signal) {
      const parameters = {
        ...at(repo),
        issue_number: number,
        body: body.slice(0, 60_000),
      }
      const schema = z.object({ html_url: z.string() })
      return (
        await call(
          'POST /repos/{owner}/{repo}/issues/{issue_number}/comments',
          parameters,
          schema,
          signal,
        )
      ).data.html_url
    },
    async comments(repo, number, sinceIso, signal) {
      const found: Comment[] = []
      for (let page = 1; page <= maxCommentPages; page += 1) {
        const { data, headers } = await call(
          'GET /repos/{owner}/{repo}/issues/{issue_number}/comments',
          { ...at(repo), issue_number: number, since: sinceIso, per_page: perPage, page },
          z.array(commentSchema),
          signal,
        )
        found.push(...data)
        if (!hasNext(headers)) break
      }
      return found
    },
    async openPull(repo, pull, signal) {
      return toPull(
        (
          await call(
            'POST /repos/{owner}/{repo}/pulls',
            { ...at(repo), ...pull },
            pullSchema,
            signal,
          )
        ).data,
      )
    },
    async findPull(repo, head, base, signal) {
      const { owner } = at(repo)
      const parameters = {
        ...at(repo),
        head: `${owner}:${head}`,
        ...(base === undefined ? {} : { base }),
        state: 'all',
        sort: 'created',
        direction: 'desc',
        per_page: 20,
      }
      const pulls = (
        await call('GET /repos/{owner}/{repo}/pulls', parameters, z.array(pullSchema), signal)
      ).data.map(toPull)
      return pulls.find((pull) => pull.open) ?? pulls[0]
    },
  }
}
