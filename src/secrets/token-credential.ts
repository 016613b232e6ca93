/**
 * A personal token. It is read once; when GitHub refuses it, its source is read again, so that a
 * token file can be replaced while the agent works.
 */
import { explain, systemClock, type Clock, type Logger } from '../util/index.ts'
import type { AnyCredential } from './credential-types.ts'
import type { ResolvedSecret } from './types.ts'

export interface TokenCredential extends AnyCredential {
  readonly kind: 'token'
}

export interface TokenCredentialInit {
  read: (signal: AbortSignal | undefined) => Promise<ResolvedSecret>
}

/** Between two readings of a source whose token is refused, ms: `gh` is a process each time. */
const rereadMs = 5_000
const DAY = 24 * 60 * 60_000
/** When a token has less than this, the log says so once a day. */
const warnDays = 7

export function createTokenCredential(
  { read }: TokenCredentialInit,
  { logger, clock = systemClock }: { logger: Logger; clock?: Clock },
): TokenCredential {
  let current: ResolvedSecret | undefined
  let reading: Promise<ResolvedSecret> | undefined
  let readAt = -Infinity
  let expiresAtMs: number | null = null
  let warnedAtMs = -Infinity
  let error: string | null = null

  function again(signal?: AbortSignal): Promise<ResolvedSecret> {
    reading ??= read(signal)
      .then((found) => {
        for (const warning of found.warnings) logger.warn({ event: 'secret' }, warning)
        current = found
        return found
      })
      .finally(() => {
        reading = undefined
        readAt = clock.monotonic()
      })
    return reading
  }

  const now = async (signal: AbortSignal | undefined) =>
    (current ?? (await again(signal))).value.reveal()

  return {
    kind: 'token',
    check: async (signal) => void (await again(signal)),
    token: ({ signal }) => now(signal),
    async refused(token) {
      if ((await now(undefined)) !== token) return true
      if (clock.monotonic() - readAt >= rereadMs) {
        await again().catch((cause: unknown) => {
          logger.warn(
            { event: 'secret.reread', err: explain(cause) },
            'the token cannot be read again',
          )
        })
      }
      const replaced = (await now(undefined)) !== token
      error = replaced ? null : `GitHub refused the token from ${current?.source ?? 'its source'}.`
      if (replaced) {
        expiresAtMs = null
        const fields = { event: 'secret.replaced', source: current?.source }
        logger.info(
          fields,
          'GitHub refused the token; its source holds another one, which is used now',
        )
      }
      return replaced
    },
    accepted(atMs) {
      error = null
      if (atMs === undefined) return
      expiresAtMs = atMs
      const warning = expiryWarning(atMs, clock.now())
      if (warning === undefined || clock.now() - warnedAtMs < DAY) return
      warnedAtMs = clock.now()
      logger.warn({ event: 'secret.expires', expiresAtMs: atMs }, warning)
    },
    status: () => ({ kind: 'token', source: current?.source ?? null, expiresAtMs, error }),
  }
}

/** A sentence when the token ends soon. Pure. */
export function expiryWarning(expiresAtMs: number, nowMs: number): string | undefined {
  const left = expiresAtMs - nowMs
  if (left >= warnDays * DAY) return undefined
  const days = Math.max(0, Math.floor(left / DAY))
  const when = left <= 0 ? 'has expired' : `expires in ${days === 1 ? '1 day' : `${days} days`}`
  return `The GitHub token ${when}; put a new one in its place, the agent takes it up by itself.`
}

/** A token that was handed over as text: nothing to read again. */
export function fixedToken(token: string): TokenCredential {
  let expiresAtMs: number | null = null
  return {
    kind: 'token',
    check: async () => undefined,
    token: async () => token,
    refused: async () => false,
    accepted: (atMs) => {
      expiresAtMs = atMs ?? expiresAtMs
    },
    status: () => ({ kind: 'token', source: 'the program', expiresAtMs, error: null }),
  }
}
