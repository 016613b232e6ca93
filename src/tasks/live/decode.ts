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
      next: 'Check the spelling, and what the token may do: contents and issues, read and write.',
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
