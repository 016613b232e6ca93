/**
 * The three calls that a GitHub App makes as itself, signed with its private key (JWT, RS256, ten
 * minutes): who am I, where am I installed, a token for that installation. All else is done with
 * such a token. `@octokit/auth-app` signs, and allows for a clock that goes wrong.
 *
 * The time that a token has is taken from GitHub's clock (the answer's date), so that a wrong clock
 * here does not make it look longer.
 */
import { createAppAuth } from '@octokit/auth-app'
import { createPrivateKey } from 'node:crypto'
import { Octokit } from 'octokit'
import { z } from 'zod'
import { hasCode, systemClock, withDeadline, type Clock, type Logger } from '../util/index.ts'
import { asAppError } from './app-errors.ts'
import { SecretError } from './errors.ts'
import type { Grant } from './renewing.ts'
import { Secret } from './secret.ts'
import type { ResolvedSecret } from './types.ts'

export interface AppCallsInit {
  apiUrl: string
  userAgent: string
  /** Number or client id. */
  id: number | string
  key: (signal: AbortSignal | undefined) => Promise<ResolvedSecret>
}

/** Errors of all: those of `resolveSecret`, `APP_…`, `ABORTED`. A refused key is read again once. */
export interface AppCalls {
  /** Reads the key and looks whether it is one. No network. */
  check(signal?: AbortSignal): Promise<void>
  app(signal?: AbortSignal): Promise<{ login: string }>
  /** Errors: `APP_NOT_INSTALLED`. */
  installationOf(repo: string, signal?: AbortSignal): Promise<number>
  /** Errors: `APP_NOT_INSTALLED`, `APP_REFUSED` when it is suspended. */
  installationToken(installation: number, signal?: AbortSignal): Promise<Grant>
  /** Where the key came from; null before it was read. */
  source(): string | null
}

/** Of one call, ms. */
const callMs = 20_000
/** Longer than GitHub gives, ms. A time beyond it is not believed. */
const maxLifeMs = 24 * 60 * 60_000
/** The date of an answer may be this much behind, ms: it has whole seconds. */
const dateStepMs = 1_000

const appSchema = z.object({ slug: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,99}$/) })
const installationSchema = z.object({ id: z.int().positive() })
const tokenSchema = z.object({
  token: z.string().regex(/^[\x21-\x7e]{1,4096}$/),
  expires_at: z.string().max(64),
  permissions: z.record(z.string().max(100), z.string().max(100)).optional(),
})

export function createAppCalls(
  init: AppCallsInit,
  { logger, clock = systemClock }: { logger: Logger; clock?: Clock },
): AppCalls {
  const { apiUrl, userAgent, id, key } = init
  let signed: { octokit: Octokit; pem: string; source: string } | undefined

  async function signIn(signal: AbortSignal | undefined): Promise<Octokit> {
    const found = await key(signal)
    for (const warning of found.warnings) logger.warn({ event: 'secret' }, warning)
    const pem = found.value.reveal()
    if (signed?.pem === pem) return signed.octokit
    const octokit = new Octokit({
      baseUrl: apiUrl.replace(/\/+$/, ''),
      userAgent,
      authStrategy: createAppAuth,
      auth: { appId: id, privateKey: pkcs8(pem, found.source) },
      retry: { enabled: false },
      throttle: { enabled: false },
      log: {
        debug: () => undefined,
        info: () => undefined,
        warn: (message: string) => logger.debug({ event: 'github.app' }, message),
        error: () => undefined,
      },
    })
    signed = { octokit, pem, source: found.source }
    return octokit
  }

  async function call<S extends z.ZodType>(
    route: string,
    parameters: Record<string, unknown>,
    schema: S,
    signal: AbortSignal | undefined,
  ): Promise<{ data: z.infer<S>; date: number }> {
    const octokit = signed?.octokit ?? (await signIn(signal))
    const ask = (by: Octokit) =>
      withDeadline(
        route,
        callMs,
        (inner) => by.request(route, { ...parameters, request: { signal: inner } }),
        { signal, clock },
      )
    const response = await ask(octokit)
      .catch(async (error: unknown) => {
        const other = isUnauthorized(error) ? await signIn(signal) : octokit
        if (other === octokit) throw error
        logger.info(
          { event: 'secret.replaced' },
          'GitHub refused the App’s key; its source holds another one, which is used now',
        )
        return ask(other)
      })
      .catch((error: unknown) => {
        if (hasCode(error, 'ABORTED') || error instanceof SecretError) throw error
        throw asAppError(error, route, parameters)
      })
    const decoded = schema.safeParse(response.data)
    if (!decoded.success) throw answer(route, decoded.error.issues[0]?.path.join('.') ?? '')
    return { data: decoded.data, date: Date.parse(String(response.headers.date)) }
  }

  return {
    check: async (signal) => void (await signIn(signal)),
    app: async (signal) => ({
      login: `${(await call('GET /app', {}, appSchema, signal)).data.slug}[bot]`,
    }),
    async installationOf(repo, signal) {
      const [owner = '', name = ''] = repo.split('/')
      const route = 'GET /repos/{owner}/{repo}/installation'
      return (await call(route, { owner, repo: name }, installationSchema, signal)).data.id
    },
    async installationToken(installation, signal) {
      const route = 'POST /app/installations/{installation_id}/access_tokens'
      const asked = clock.now()
      const { data, date } = await call(
        route,
        { installation_id: installation },
        tokenSchema,
        signal,
      )
      const now = Number.isNaN(date) ? asked : date + dateStepMs
      const lifeMs = Date.parse(data.expires_at) - now
      if (!(lifeMs > 0 && lifeMs <= maxLifeMs)) throw answer(route, 'expires_at')
      return {
        token: new Secret(data.token),
        expiresAtMs: asked + lifeMs,
        permissions: data.permissions ?? {},
      }
    },
    source: () => signed?.source ?? null,
  }
}

/** The key as the signer takes it. Errors: `APP_KEY_INVALID`. GitHub gives PKCS #1, the signer takes PKCS #8; a key in a variable may have its line breaks escaped. */
export function pkcs8(pem: string, source: string): string {
  try {
    const key = createPrivateKey(pem.replaceAll('\\n', '\n'))
    if (key.asymmetricKeyType === 'rsa')
      return key.export({ type: 'pkcs8', format: 'pem' }).toString()
  } catch {
    // What it says may repeat what it read.
  }
  throw new SecretError(
    'APP_KEY_INVALID',
    `There is no RSA private key in PEM form in ${source}.`,
    {
      data: { source },
      next: 'Put the .pem file there that GitHub gave when the App’s private key was made.',
    },
  )
}

const isUnauthorized = (error: unknown) =>
  typeof error === 'object' && error !== null && 'status' in error && error.status === 401

const answer = (route: string, at: string) =>
  new SecretError('APP_ANSWER', `${route} answered in an unknown form at "${at}".`, {
    data: { route, path: at },
    next: 'Check that github.apiUrl names a GitHub API.',
  })
