/**
 * A GitHub App as who signs in. It is installed in each account separately, and has a token of its own
 * in each; which installation is asked is found by the repository, unless the configuration names one.
 */
import { RecentMap, type Clock, type Logger } from '../util/index.ts'
import type { AnyCredential, At } from './credential-types.ts'
import { SecretError } from './errors.ts'
import type { AppCalls } from './github-app.ts'
import { createRenewing, type Renewing } from './renewing.ts'

export interface AppCredential extends AnyCredential {
  readonly kind: 'app'
  /** As configured: number or client id. */
  readonly id: number | string
  /** Login of the App on GitHub: `slug[bot]`. One call the first time. */
  login(signal?: AbortSignal): Promise<string>
  /** What the App may do in the account: `contents` → `write`. */
  permissions(at: At): Promise<Readonly<Record<string, string>>>
  /** Installation that is used for a repository; without one, the only one that is known. */
  installation(repo?: string): number | undefined
}

export interface AppCredentialInit {
  id: number | string
  installationId?: number
}

export interface AppCredentialComponents {
  calls: AppCalls
  logger: Logger
  clock?: Clock
  random?: () => number
}

/** Repositories whose installation is remembered; the configuration holds 100. */
const maxRepos = 1_000

export function createAppCredential(
  { id, installationId }: AppCredentialInit,
  components: AppCredentialComponents,
): AppCredential {
  const { calls } = components
  const installations = new RecentMap<string, number>(maxRepos)
  const tokens = new RecentMap<number, Renewing>(maxRepos)
  let login: string | undefined

  function installation(repo?: string): number | undefined {
    if (installationId !== undefined) return installationId
    if (repo !== undefined) return installations.get(repo.toLowerCase())
    const known = new Set(installations.values())
    return known.size === 1 ? [...known][0] : undefined
  }

  async function renewingOf({ repo, signal }: At): Promise<Renewing> {
    let number = installation(repo)
    if (number === undefined) {
      if (repo === undefined) {
        throw new SecretError('APP_NOT_INSTALLED', 'Of several installations none was named.', {
          next: 'Set github.app.installationId.',
        })
      }
      number = await calls.installationOf(repo, signal)
      installations.set(repo.toLowerCase(), number)
    }
    return tokens.get(number) ?? begin(number)
  }

  function begin(number: number): Renewing {
    const renewing = createRenewing(
      {
        what: `the token of installation ${number}`,
        obtain: async (signal) => {
          try {
            return await calls.installationToken(number, signal)
          } catch (error) {
            // Installed anew it has another number, so that it must be looked up again.
            if (error instanceof SecretError && error.code === 'APP_NOT_INSTALLED') forget(number)
            throw error
          }
        },
      },
      components,
    )
    tokens.set(number, renewing)
    return renewing
  }

  function forget(number: number): void {
    for (const [repo, at] of installations) if (at === number) installations.delete(repo)
  }

  return {
    kind: 'app',
    id,
    check: (signal) => calls.check(signal),
    token: async (at) => (await (await renewingOf(at)).get(at.signal)).token.reveal(),
    refused: async (token, at) => (await renewingOf(at)).refused(token, at.signal),
    accepted: () => undefined,
    login: async (signal) => (login ??= (await calls.app(signal)).login),
    permissions: async (at) => (await (await renewingOf(at)).get(at.signal)).permissions,
    installation,
    status() {
      const all = [...tokens.values()].map((one) => one.status())
      const ends = all.flatMap(({ expiresAtMs }) => (expiresAtMs === null ? [] : [expiresAtMs]))
      return {
        kind: 'app',
        source: calls.source(),
        expiresAtMs: ends.length === 0 ? null : Math.min(...ends),
        error: all.find(({ error }) => error !== null)?.error ?? null,
      }
    },
  }
}
