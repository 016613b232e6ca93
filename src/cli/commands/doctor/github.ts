/** What GitHub says of the token and of each repository, and what the claim refs hold. */
import { join } from 'node:path'
import type { Config } from '../../../config/index.ts'
import { verifySignature } from '../../../mesh/index.ts'
import type { Git } from '../../../process/index.ts'
import {
  formerNames,
  inspectAccount,
  inspectClaims,
  inspectRepository,
} from '../../../tasks/index.ts'
import type { Work } from '../../../work/index.ts'
import { duration } from '../../output/text.ts'
import { fail, failed, ok, skip, warn, type Check, type CheckRow, type Finding } from './check.ts'

export interface GitHubParts {
  config: Config
  token: string
  userAgent: string
  git: Git
  work: Pick<Work, 'readPolicy'>
  /** For local stores of git. */
  dir: string
}

type Account = Awaited<ReturnType<typeof inspectAccount>>
type Facts = Awaited<ReturnType<typeof inspectRepository>>

/** A clock that is further off makes stamps in journals and comments misleading, and TLS fail in the end, ms. */
const maxSkewMs = 30_000
const DAY = 86_400_000
/** Part of the rate limit below which it is short. */
const shortShare = 0.1
/** Claim refs that are named; the rest is counted. */
const maxNamed = 5

/** Four rows from one call: reachability, clock, token, rate limit. */
export async function accountRows(
  { config, token, userAgent }: Pick<GitHubParts, 'config' | 'token' | 'userAgent'>,
  source: string,
  signal: AbortSignal,
): Promise<{ rows: CheckRow[]; login: string | undefined }> {
  const { apiUrl } = config.github
  const row = (id: string, { status, seen, next }: Finding): CheckRow => ({
    id,
    status,
    seen,
    next: next ?? null,
  })
  let account: Account
  try {
    account = await inspectAccount({ apiUrl, token, userAgent }, signal)
  } catch (error) {
    if (signal.aborted) throw error
    return { rows: [row('github', failed(error))], login: undefined }
  }
  const { login, skewMs, latencyMs } = account
  const clock =
    skewMs === null
      ? skip('GitHub names no time')
      : Math.abs(skewMs) > maxSkewMs
        ? warn(
            `this clock is ${duration(Math.abs(skewMs))} ${skewMs > 0 ? 'behind' : 'ahead'}`,
            'Let the system set it: timedatectl set-ntp true',
          )
        : ok(`within ${Math.max(1, Math.round(Math.abs(skewMs) / 1_000))} s of GitHub's`)
  const rows = [
    row('github', ok(`${apiUrl} answers in ${latencyMs} ms`)),
    row('clock', clock),
    row('token', tokenFinding(account, source)),
    row('rate-limit', limitFinding(account)),
  ]
  return { rows, login }
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

function limitFinding({ rateLimit }: Account): Finding {
  if (rateLimit === null) return skip('GitHub names no limit')
  const { limit, remaining, resetAtMs } = rateLimit
  const seen = `${remaining} of ${limit} requests left`
  if (remaining >= limit * shortShare) return ok(seen)
  const wait = duration(Math.max(0, resetAtMs - Date.now()))
  return warn(seen, `Wait ${wait} for new ones, raise github.pollMs, or use a token of its own.`)
}

/** Two rows for each repository: what it is, and its claim refs. */
export function repositoryChecks(parts: GitHubParts, login: string): Check[] {
  return parts.config.github.repos.flatMap((repo, index) => {
    let facts: Promise<Facts> | undefined
    const { apiUrl, labels } = parts.config.github
    const { token, userAgent } = parts
    const init = { apiUrl, token, userAgent, repo, login, trigger: labels.trigger }
    const known = (signal: AbortSignal) => (facts ??= inspectRepository(init, signal))
    let claims: ReturnType<typeof inspectClaims> | undefined
    const looked = async (signal: AbortSignal) => {
      const { cloneUrl, defaultBranch, fullName } = await known(signal)
      const isFormer = formerNames(init, fullName, signal)
      const { gitUrl, claims: of } = parts.config.github
      return (claims ??= inspectClaims(
        {
          apiUrl,
          cloneUrl,
          token,
          repo,
          defaultBranch,
          refPrefix: of.refPrefix,
          ...(gitUrl === undefined ? {} : { gitUrl }),
          gitDir: join(parts.dir, `repo-${index}.git`),
        },
        { git: parts.git, verify: verifySignature, isFormer },
        signal,
      ))
    }
    return [
      {
        id: `repo:${repo}`,
        ms: 60_000,
        run: async (signal) => {
          const found = repositoryFinding(await known(signal), {
            ...init,
            paused: parts.config.github.paused,
          })
          if (found.status === 'fail') return found
          const { base, gitDir } = await looked(signal)
          if (base === null)
            return fail(`${repo} is empty`, 'Push a first commit to its default branch.')
          const policy = await parts.work.readPolicy(gitDir, base)
          if (policy.paused === undefined) return found
          return warn(
            `${found.seen}; paused by its WORKFLOW.md`,
            'To go on, take `paused` out of WORKFLOW.md.',
          )
        },
      },
      {
        id: `claims:${repo}`,
        ms: 60_000,
        run: async (signal) => {
          try {
            return claimsFinding(await looked(signal), repo)
          } catch (error) {
            // The row of the repository says what is wrong with it.
            return (await known(signal).then(
              () => false,
              () => true,
            ))
              ? skip('the repository cannot be read')
              : failed(error)
          }
        },
      },
    ]
  })
}

function repositoryFinding(
  { fullName, defaultBranch, archived, hasIssues, may, assignable, hasTrigger }: Facts,
  {
    apiUrl,
    repo,
    login,
    trigger,
    paused,
  }: { apiUrl: string; repo: string; login: string; trigger: string; paused: readonly string[] },
): Finding {
  const seen = `${fullName}, default branch ${defaultBranch}`
  if (archived) return fail(`${fullName} is archived`, `Take it out of github.repos: ${repo}`)
  if (!hasIssues) return fail(`${fullName} has no issues`, 'Turn issues on in its settings.')
  const lacks = Object.entries(may).flatMap(([what, allowed]) => (allowed === false ? [what] : []))
  if (lacks.length > 0) {
    const text = `the token of ${login} may not write ${lacks.join(', ')} of ${fullName}`
    return fail(
      text,
      'Give it write access to contents, issues and pull requests of the repository.',
    )
  }
  if (!assignable)
    return fail(
      `${login} cannot be assigned to issues of ${fullName}`,
      'Make it a collaborator with write access.',
    )
  if (paused.some((name) => name.toLowerCase() === repo.toLowerCase()))
    return warn(`${seen}; paused by github.paused`, 'To go on, take it out of github.paused.')
  if (!hasTrigger)
    return warn(`${seen}; it has no label ${trigger}`, labelAdvice({ apiUrl, repo, trigger }))
  return ok(seen)
}

const bare = (word: string) =>
  /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** gh without a host goes to github.com, and it knows no server without TLS, such as `bzzz forge`. */
export function labelAdvice({
  apiUrl,
  repo,
  trigger,
}: {
  apiUrl: string
  repo: string
  trigger: string
}): string {
  const { protocol, host, port } = new URL(apiUrl)
  if (protocol === 'https:' && port === '') {
    const at = host === 'api.github.com' ? '' : `${host.replace(/^api\.(?=.*\.ghe\.com$)/, '')}/`
    return `Type: gh label create ${bare(trigger)} --repo ${at}${repo}`
  }
  const url = `${apiUrl.replace(/\/+$/, '')}/repos/${repo}/labels`
  const body = bare(JSON.stringify({ name: trigger }))
  return `Type, with its token for TOKEN: curl -H "Authorization: Bearer TOKEN" ${bare(url)} -d ${body}`
}

function claimsFinding(
  { count, states, expired, invalid }: Awaited<ReturnType<typeof inspectClaims>>,
  repo: string,
): Finding {
  const kinds = Object.entries(states).map(([state, amount]) => `${amount} ${state}`)
  const seen = count === 0 ? 'none' : [`${count} refs`, ...kinds].join(', ')
  if (invalid.length > 0) {
    const named = invalid.slice(0, maxNamed).map(({ ref, oid, reason, sinceMs }) => {
      const since = sinceMs === null ? '' : ` since ${new Date(sinceMs).toISOString()}`
      return `${ref} (${oid.slice(0, 12)}${since}): ${reason}`
    })
    const more = invalid.length > maxNamed ? [`and ${invalid.length - maxNamed} more`] : []
    const clear = invalid.slice(0, maxNamed).map(({ ref }) => `:${ref}`)
    return fail(
      [`${seen}; unusable: ${named.join('; ')}`, ...more].join(' '),
      `Nobody claims their issues. To remove them, type in a clone of ${repo}: git push origin ${clear.join(' ')}`,
    )
  }
  if (expired.length > 0) {
    const named = expired.slice(0, maxNamed).map(({ ref, holder }) => `${ref} of ${holder}`)
    return warn(
      `${seen}; past their lease: ${named.join(', ')}`,
      'The next agent takes them over by itself; start one with: bzzz up',
    )
  }
  return ok(seen)
}
