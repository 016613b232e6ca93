/**
 * A token that ends, kept alive. It is renewed when it is asked for and has little time left, one
 * renewal at a time; the old one goes on being used until it ends, also when renewals fail. What to
 * do is decided by `decide`, which is pure.
 */
import {
  explain,
  sleep,
  systemClock,
  withDeadline,
  type Clock,
  type Logger,
} from '../util/index.ts'
import type { Secret } from './secret.ts'

export interface Grant {
  token: Secret
  /** By this machine's wall clock, ms. */
  expiresAtMs: number
  /** `contents` → `write` */
  permissions: Readonly<Record<string, string>>
}

export interface Renewing {
  /** Errors: those of `obtain`, when no token that still lives is there. */
  get(signal: AbortSignal | undefined): Promise<Grant>
  /** The token was refused. True when there is another one, or the same one deserves a second try. */
  refused(token: string, signal: AbortSignal | undefined): Promise<boolean>
  status(): { expiresAtMs: number | null; error: string | null }
}

export interface RenewingInit {
  /** For the log: "the token of installation 7". */
  what: string
  obtain: (signal: AbortSignal) => Promise<Grant>
}

export interface RenewingComponents {
  logger: Logger
  clock?: Clock
  /** 0 to 1. */
  random?: () => number
}

/** At most so long before its end a token is renewed, ms; at least half of it, by chance. */
const maxLeadMs = 5 * 60_000
/** Of a token that lives shorter, at most this part of its life. */
const maxLeadShare = 0.25
/** With less time left than this, a caller waits for the renewal, ms: the longest call takes two minutes. */
const tightMs = 120_000
/** Of one renewal, ms. */
const renewalMs = 30_000
const backoffMs = { first: 1_000, most: 60_000 }
/** GitHub may refuse a token for the first seconds of its life, until all its servers know it, ms. */
const freshMs = 5_000
const settleMs = 1_000

/** Wall clock at which a token is to be renewed, ms. Pure. */
export function renewalTime(obtainedAtMs: number, expiresAtMs: number, random: number): number {
  const lead = Math.min(maxLeadMs, (expiresAtMs - obtainedAtMs) * maxLeadShare)
  return expiresAtMs - lead * (1 - random / 2)
}

/** Pause after so many failures in a row, ms. Pure. */
export function backoff(failures: number, random: number): number {
  const full = Math.min(backoffMs.most, backoffMs.first * 2 ** Math.min(failures - 1, 16))
  return full * (1 - random / 2)
}

/**
 * `renew`: wait for a renewal. `both`: use the old token and renew meanwhile. `fail`: there is no
 * token, and the pause after the last failure is not over. Pure.
 */
export function decide(at: {
  nowMs: number
  /** Of the token that is there. */
  held: { expiresAtMs: number; renewAtMs: number } | undefined
  mayRenew: boolean
}): 'use' | 'both' | 'renew' | 'fail' {
  const { nowMs, held, mayRenew } = at
  if (held === undefined || nowMs >= held.expiresAtMs) return mayRenew ? 'renew' : 'fail'
  if (nowMs < held.renewAtMs || !mayRenew) return 'use'
  return held.expiresAtMs - nowMs < tightMs ? 'renew' : 'both'
}

export function createRenewing(
  { what, obtain }: RenewingInit,
  parts: RenewingComponents,
): Renewing {
  const { logger, clock = systemClock, random = Math.random } = parts
  let held:
    { grant: Grant; obtainedAtMs: number; expiresAtMs: number; renewAtMs: number } | undefined
  let failures = 0
  /** Monotonic ms. */
  let retryAt = -Infinity
  let failure: unknown
  let running: Promise<void> | undefined

  function renew(): Promise<void> {
    running ??= withDeadline(`To renew ${what}`, renewalMs, obtain, { clock })
      .then(keep, fail)
      .finally(() => {
        running = undefined
      })
    return running
  }

  function keep(grant: Grant): void {
    const obtainedAtMs = clock.now()
    const { expiresAtMs } = grant
    held = {
      grant,
      obtainedAtMs,
      expiresAtMs,
      renewAtMs: renewalTime(obtainedAtMs, expiresAtMs, random()),
    }
    failures = 0
    retryAt = -Infinity
    failure = undefined
    logger.debug({ event: 'secret.renewed', expiresAtMs }, `${what} was renewed`)
  }

  function fail(error: unknown): void {
    failures += 1
    failure = error
    retryAt = clock.monotonic() + backoff(failures, random())
    const fields = { event: 'secret.renewal', failures, err: explain(error) }
    if (failures === 1) logger.warn(fields, `${what} could not be renewed; it is tried again`)
    else logger.debug(fields, `${what} could not be renewed`)
  }

  const alive = () =>
    held !== undefined && clock.now() < held.expiresAtMs ? held.grant : undefined

  /** The renewal belongs to all who wait for it: a caller that leaves does not end it. */
  const waitFor = (renewal: Promise<void>, signal: AbortSignal | undefined) =>
    withDeadline(`To renew ${what}`, renewalMs * 2, () => renewal, { signal, clock })

  return {
    async get(signal) {
      const mayRenew = running !== undefined || clock.monotonic() >= retryAt
      const step = decide({ nowMs: clock.now(), held, mayRenew })
      if (step === 'renew') await waitFor(renew(), signal)
      else if (step === 'both') void renew()
      const grant = alive()
      if (grant !== undefined) return grant
      throw failure
    },
    async refused(token, signal) {
      if (held === undefined || held.grant.token.reveal() !== token) return true
      if (clock.now() - held.obtainedAtMs < freshMs) {
        await sleep(settleMs, { signal, clock })
        return true
      }
      // Whatever its time, it is of no use any more.
      held = { ...held, expiresAtMs: -Infinity }
      if (running === undefined && clock.monotonic() < retryAt) return false
      await waitFor(renew(), signal)
      return alive() !== undefined
    },
    status: () => ({
      expiresAtMs: alive()?.expiresAtMs ?? null,
      error: failure === undefined ? null : explain(failure),
    }),
  }
}
