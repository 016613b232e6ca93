/** What GitHub answers to an App, as coded errors. Pure; never carries headers, bodies or the JWT. */
import { SecretError, type SecretErrorCode } from './errors.ts'

export function asAppError(
  error: unknown,
  route: string,
  parameters: Record<string, unknown>,
): SecretError {
  const { status = 0, response } = (typeof error === 'object' && error !== null ? error : {}) as {
    status?: number
    response?: { data?: { message?: unknown } }
  }
  const { owner, repo, installation_id: installation } = parameters
  const where = owner === undefined ? undefined : `${String(owner)}/${String(repo)}`
  const told = response?.data?.message
  const said = typeof told === 'string' ? told.slice(0, 300) : ''
  const { code, message, next } = words(status, where ?? `installation ${String(installation)}`)
  return new SecretError(code, `${message}${said === '' ? '' : ` (${said})`}`, {
    data: {
      route,
      status,
      ...(where === undefined ? {} : { repo: where }),
      ...(installation === undefined ? {} : { installation }),
    },
    next,
    ...(code === 'APP_UNREACHABLE' && status === 0 ? { cause: error } : {}),
  })
}

function words(
  status: number,
  where: string,
): { code: SecretErrorCode; message: string; next: string } {
  if (status === 401) {
    return {
      code: 'APP_UNAUTHORIZED',
      message: 'GitHub refused the App',
      next: 'Check that github.app.id and github.app.privateKey belong to the same App, and the clock of this machine.',
    }
  }
  if (status === 404) {
    return {
      code: 'APP_NOT_INSTALLED',
      message: `The App is not installed for ${where}`,
      next: 'Install it there (the App’s page on GitHub, Install App), or correct github.repos or github.app.installationId.',
    }
  }
  const passes = status === 0 || status === 408 || status === 429 || status >= 500
  return passes
    ? {
        code: 'APP_UNREACHABLE',
        message: 'GitHub did not answer the App',
        next: 'Check github.apiUrl and the network.',
      }
    : {
        code: 'APP_REFUSED',
        message: `GitHub refused the App for ${where}`,
        next: 'See on the App’s page on GitHub whether the installation is suspended.',
      }
}
