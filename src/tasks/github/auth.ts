/**
 * How octokit signs in: with the token of now, asked for before each request, since a token may be
 * replaced while the agent works. A request whose token is refused is made once more if there is
 * another one: a 401 says that nothing was done.
 */
import type { Credential } from '../../secrets/index.ts'

interface Endpoint {
  headers: Record<string, unknown>
  owner?: unknown
  repo?: unknown
  request?: { signal?: AbortSignal | undefined; repo?: string | undefined } | undefined
}
interface Response {
  headers: Record<string, unknown>
}
type Send = ((endpoint: Endpoint) => Promise<Response>) & {
  endpoint: { merge(route: unknown, parameters: unknown): unknown }
}

/** For octokit's `authStrategy`: the innermost hook, so that a request that had to queue takes a fresh token. */
export function authStrategy(credential: Credential) {
  async function hook(send: Send, route: unknown, parameters: unknown): Promise<Response> {
    const endpoint = send.endpoint.merge(route, parameters) as Endpoint
    const repo = repoOf(endpoint)
    const signal = endpoint.request?.signal
    const at = {
      ...(repo === undefined ? {} : { repo }),
      ...(signal === undefined ? {} : { signal }),
    }
    const attempt = async (token: string) => {
      endpoint.headers['authorization'] = `token ${token}`
      try {
        const response = await send(endpoint)
        credential.accepted(expiryOf(response.headers))
        return response
      } catch (error) {
        const answer = answerOf(error)
        if (answer !== undefined) credential.accepted(expiryOf(answer.headers))
        throw error
      }
    }
    const token = await credential.token(at)
    try {
      return await attempt(token)
    } catch (error) {
      if (!isUnauthorized(error) || !(await credential.refused(token, at))) throw error
      return attempt(await credential.token(at))
    }
  }
  return () => Object.assign(async () => ({ type: 'token' as const }), { hook })
}

/** A GraphQL request has no path to tell it by: it says it in `request.repo`. */
function repoOf({ owner, repo, request }: Endpoint): string | undefined {
  return typeof owner === 'string' && typeof repo === 'string' ? `${owner}/${repo}` : request?.repo
}

/** A refusal that is not about the token; most looks at issues end so, with 304. */
function answerOf(error: unknown): Response | undefined {
  const { status = 0, response } = (error ?? {}) as { status?: number; response?: Response }
  return status !== 401 && status < 500 ? response : undefined
}

const isUnauthorized = (error: unknown) =>
  typeof error === 'object' && error !== null && 'status' in error && error.status === 401

/** Such as `2026-12-31 23:59:59 UTC` or `… +0200`. */
const form = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:UTC|([+-]\d\d):?(\d\d))$/

/** When GitHub says that the token ends, wall clock in ms. Pure. */
export function expiryOf(headers: Record<string, unknown>): number | undefined {
  const found = form.exec(String(headers['github-authentication-token-expiration'] ?? ''))
  if (found === null) return undefined
  const [, day = '', time = '', hours, minutes] = found
  const at = Date.parse(`${day}T${time}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`)
  return Number.isNaN(at) ? undefined : at
}
