/** What GitHub says of who signs in: reachability, clock, token or App, rate limit. */
import type { Config } from '../../../config/index.ts'
import { SecretError } from '../../../secrets/index.ts'
import { inspectAccount, inspectLimits } from '../../../tasks/index.ts'
import { duration } from '../../output/text.ts'
import { failed, ok, skip, warn, type CheckRow, type Finding } from './check.ts'
import type { SignIn } from './sign-in.ts'

type Account = Awaited<ReturnType<typeof inspectAccount>>
type Limits = Awaited<ReturnType<typeof inspectLimits>>

/** A clock that is further off makes stamps in journals and comments misleading, and TLS fail in the end, ms. */
const maxSkewMs = 30_000
const DAY = 86_400_000
/** Part of the rate limit below which it is short. */
const shortShare = 0.1

/** Login undefined: nothing more can be asked. */
export interface AccountRows {
  rows: CheckRow[]
  login: string | undefined
}

interface AccountParts {
  config: Config
  signIn: SignIn
  userAgent: string
}

/** Errors: `ABORTED`. */
export function accountRows(parts: AccountParts, signal: AbortSignal): Promise<AccountRows> {
  return parts.signIn.app === undefined ? tokenRows(parts, signal) : appRows(parts, signal)
}

const row = (id: string, { status, seen, next }: Finding): CheckRow => ({
  id,
  status,
  seen,
  next: next ?? null,
})

/** Four rows from one call. */
async function tokenRows(
  { config, signIn, userAgent }: AccountParts,
  signal: AbortSignal,
): Promise<AccountRows> {
  const { apiUrl } = config.github
  let account: Account
  try {
    const token = await signIn.token('', signal)
    account = await inspectAccount({ apiUrl, token, userAgent }, signal)
  } catch (error) {
    if (signal.aborted) throw error
    return { rows: [row('github', failed(error))], login: undefined }
  }
  const rows = [
    row('github', ok(`${apiUrl} answers in ${account.latencyMs} ms`)),
    row('clock', clockFinding(account)),
    row('token', tokenFinding(account, signIn.source)),
    row('rate-limit', limitFinding(account)),
  ]
  return { rows, login: account.login }
}

/**
 * An App has a token in each installation, and a limit of its own there. Which it may not have is said by
 * the rows of the repositories; here the first that gives one is asked.
 */
async function appRows(
  { config, signIn, userAgent }: AccountParts,
  signal: AbortSignal,
): Promise<AccountRows> {
  const { apiUrl, repos } = config.github
  const { app, source } = signIn
  let login: string | undefined
  const before = performance.now()
  try {
    login = await app?.login(signal)
  } catch (error) {
    if (signal.aborted) throw error
    const id = error instanceof SecretError && error.code === 'APP_UNAUTHORIZED' ? 'app' : 'github'
    return { rows: [row(id, failed(error))], login: undefined }
  }
  const tookMs = Math.round(performance.now() - before)
  const limits = await firstLimits(
    repos,
    async (repo) =>
      inspectLimits({ apiUrl, token: await signIn.token(repo, signal), userAgent }, signal),
    signal,
  )
  const none = skip('no installation of the App to ask: see the rows of the repositories')
  const rows = [
    row('github', ok(`${apiUrl} answers in ${tookMs} ms`)),
    row('clock', limits === undefined ? none : clockFinding(limits)),
    row(
      'app',
      ok(`key from ${source}: ${login ?? ''}, with a token of its own in each installation`),
    ),
    row('rate-limit', limits === undefined ? none : limitFinding(limits)),
  ]
  return { rows, login }
}

async function firstLimits(
  repos: readonly string[],
  ask: (repo: string) => Promise<Limits>,
  signal: AbortSignal,
): Promise<Limits | undefined> {
  for (const repo of repos) {
    const limits = await ask(repo).catch((error: unknown) => {
      if (signal.aborted) throw error
      return undefined
    })
    if (limits !== undefined) return limits
  }
  return undefined
}

function clockFinding({ skewMs }: Limits): Finding {
  if (skewMs === null) return skip('GitHub names no time')
  return Math.abs(skewMs) > maxSkewMs
    ? warn(
        `this clock is ${duration(Math.abs(skewMs))} ${skewMs > 0 ? 'behind' : 'ahead'}`,
        'Let the system set it: timedatectl set-ntp true',
      )
    : ok(`within ${Math.max(1, Math.round(Math.abs(skewMs) / 1_000))} s of GitHub's`)
}

function tokenFinding({ login, expires, scopes }: Account, source: string): Finding {
  const ends = expires === null ? NaN : Date.parse(expires.replace(' UTC', 'Z').replace(' ', 'T'))
  const until = expires === null ? 'no end is named' : `until ${expires}`
  const rights = scopes === null || scopes === '' ? '' : `, scopes ${scopes}`
  const seen = `${source}: ${login}, ${until}${rights}`
  if (ends - Date.now() < 7 * DAY)
    return warn(seen, 'Make a new token before it ends, and put it in the same place.')
  return ok(seen)
}

function limitFinding({ rateLimit }: Limits): Finding {
  if (rateLimit === null) return skip('GitHub names no limit')
  const { limit, remaining, resetAtMs } = rateLimit
  const seen = `${remaining} of ${limit} requests left`
  if (remaining >= limit * shortShare) return ok(seen)
  const wait = duration(Math.max(0, resetAtMs - Date.now()))
  return warn(seen, `Wait ${wait} for new ones, raise github.pollMs, or use a token of its own.`)
}
