/** An answer of which one form is wanted. */
import type { z } from 'zod'
import { TasksError } from '../errors.ts'
import type { Answer } from '../github/probe.ts'

/** Errors: `GITHUB_UNAUTHORIZED`, `GITHUB_FORBIDDEN`, `GITHUB_NOT_FOUND`, `GITHUB_ANSWER` (data: status). */
export function decode<S extends z.ZodType>(answer: Answer, schema: S, what: string): z.infer<S> {
  const { status, said, data } = answer
  if (status === 401 || status === 403 || status === 404 || status === 410) {
    const code =
      status === 401
        ? 'GITHUB_UNAUTHORIZED'
        : status === 403
          ? 'GITHUB_FORBIDDEN'
          : 'GITHUB_NOT_FOUND'
    throw new TasksError(code, `GitHub answered ${status} for ${what} (${said}).`, {
      data: { status },
      next:
        status === 404 || status === 410
          ? 'Check the spelling, and whether the token may see it.'
          : status === 401
            ? 'Put a valid token where github.token points.'
            : 'Give it write access to contents, issues and pull requests of the repository.',
    })
  }
  const decoded = schema.safeParse(data)
  if (decoded.success) return decoded.data
  throw new TasksError(
    'GITHUB_ANSWER',
    `GitHub answered ${status} for ${what} in an unknown form.`,
    {
      data: { status },
      next: 'Check that github.apiUrl names a GitHub API.',
    },
  )
}
