/** Who this agent is to GitHub: for the records, for assignments, and for whose limits it uses. */
import { fixedToken, githubHost, type Credential } from '../../secrets/index.ts'
import { TasksError } from '../errors.ts'

/** A token as text is for programs that have one; it cannot be replaced while they run. */
export const credentialOf = (token: string | Credential): Credential =>
  typeof token === 'string' ? fixedToken(token) : token

/**
 * Whose rate limit a call counts against: `user:LOGIN@HOST`, or `app:ID/INSTALLATION@HOST`. The same
 * for all agents that share it, and without secrets. Null while it is unknown. Pure.
 */
export function principalOf(
  credential: Credential,
  at: { apiUrl: string; login: string | null; repo?: string },
): string | null {
  const host = githubHost(at.apiUrl)
  if (credential.kind === 'token')
    return at.login === null ? null : `user:${at.login.toLowerCase()}@${host}`
  const installation = credential.installation(at.repo)
  return installation === undefined ? null : `app:${credential.id}/${installation}@${host}`
}

export const isBot = (login: string) => login.endsWith('[bot]')

/** What a task needs the token to have on the repository. */
const needed = ['contents', 'issues', 'pull_requests'] as const

/** Of what an App may do, what is missing; pure. */
export const missingOf = (permissions: Readonly<Record<string, string>>): string[] =>
  needed.filter((name) => !['write', 'admin'].includes(permissions[name] ?? ''))

/** Errors: `NOT_ASSIGNABLE` when GitHub does not let issues of the repository be assigned to the login. */
export async function requireAssignable(
  github: { assignable(repo: string, login: string, signal: AbortSignal): Promise<boolean> },
  { repo, login, chosen }: { repo: string; login: string; chosen: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (!isBot(login) && !chosen) return
  if (await github.assignable(repo, login, signal)) return
  throw new TasksError(
    'NOT_ASSIGNABLE',
    `GitHub does not let ${login} be assigned to issues of ${repo}.`,
    {
      data: { repo, login },
      next: chosen
        ? `Give ${login} access to ${repo}, or name another account in github.assignee.`
        : `Name an account that may be assigned there, for this agent alone: github.assignee: LOGIN in bzzz.yaml, or export BZZZ_GITHUB_ASSIGNEE=LOGIN.`,
    },
  )
}
