/** All claim refs of a repository, looked at once from a local store that is thrown away. */
import { createClaims } from '../claim/claims.ts'
import { isLeased } from '../claim/decide.ts'
import type { Verify } from '../claim/record.ts'
import { openRepository } from '../claim/repository.ts'
import type { RunGit } from '../claim/repository-types.ts'
import { TasksError } from '../errors.ts'
import { sameSite } from '../look/place.ts'

export interface ClaimFacts {
  /** Tip of the default branch; null when the repository is empty. */
  base: string | null
  /** Local store that holds the base. */
  gitDir: string
  count: number
  /** Refs by the state of their record. */
  states: Record<string, number>
  /** Held, and by their date older than their lease. Dates are the holders' own, so this is only a sign. */
  expired: { ref: string; holder: string; sinceMs: number }[]
  /** Refs that hold no record of their issue; the first 100. */
  invalid: { ref: string; oid: string; reason: string; sinceMs: number | null }[]
}

export interface InspectClaimsInit {
  apiUrl: string
  gitUrl?: string
  cloneUrl: string
  token: string
  repo: string
  defaultBranch: string
  refPrefix: string
  /** For the local store; made and removed by the caller. */
  gitDir: string
}

const maxInvalid = 100
/** A date is given up to this much doubt, ms. */
const graceMs = 60_000

/** Errors: those of git; `GITHUB_ANSWER` when the remote is on another site than the API. */
export async function inspectClaims(
  init: InspectClaimsInit,
  {
    git,
    verify,
    isFormer = () => Promise.resolve(false),
    now = Date.now,
  }: {
    git: RunGit
    verify: Verify
    /** Whether the repository had this name before. Default: no. */
    isFormer?: (name: string) => Promise<boolean>
    now?: () => number
  },
  signal: AbortSignal,
): Promise<ClaimFacts> {
  const { apiUrl, gitUrl, cloneUrl, token, repo, refPrefix, gitDir, defaultBranch } = init
  const url = gitUrl === undefined ? cloneUrl : `${gitUrl}/${repo}.git`
  if (gitUrl === undefined && !sameSite(apiUrl, url)) {
    throw new TasksError(
      'GITHUB_ANSWER',
      `${repo} is to be cloned from another site than the API's.`,
      {
        next: 'If the token may go there, set github.gitUrl to that site.',
      },
    )
  }
  const refs = await openRepository({ gitDir, url, token, refPrefix }, { git })
  const base = (await refs.fetchBranches([defaultBranch], signal)).get(defaultBranch) ?? null
  const tips = await refs.snapshot(signal)
  const dates = await datesOf(git, gitDir)
  const signer = {
    peerId: 'nobody',
    sign: () => Promise.reject(new TypeError('nothing is signed')),
  }
  const identity = { name: '', login: '', incarnation: '', leaseMs: 0 }
  const claims = createClaims(refs, refPrefix, identity, { signer, verify, isFormer })
  const facts: ClaimFacts = { base, gitDir, count: tips.size, states: {}, expired: [], invalid: [] }
  for (const [name, raw] of tips) {
    const ref = `${refPrefix}${name}`
    const sinceMs = dates.get(name) ?? null
    const issue = /^[1-9]\d{0,9}$/.test(name) ? Number(name) : undefined
    const tip =
      issue === undefined
        ? { is: 'invalid' as const, why: 'Its name is no issue number.' }
        : await claims.decode(repo, issue, raw)
    if (tip.is === 'invalid') {
      if (facts.invalid.length < maxInvalid)
        facts.invalid.push({ ref, oid: raw.oid, reason: tip.why, sinceMs })
    } else if (tip.is === 'record') {
      const { state, name: holder, leaseMs } = tip.record
      facts.states[state] = (facts.states[state] ?? 0) + 1
      if (isLeased(tip.record) && sinceMs !== null && now() - sinceMs > leaseMs + graceMs)
        facts.expired.push({ ref, holder, sinceMs })
    }
  }
  return facts
}

/** When the commits of the tips say that they were made, ms. */
async function datesOf(git: RunGit, gitDir: string): Promise<Map<string, number>> {
  const prefix = 'refs/seen/claims/'
  const format = '%(committerdate:unix) %(refname)'
  const text = await git(['for-each-ref', `--format=${format}`, prefix], { cwd: gitDir })
  return new Map(
    text.split('\n').flatMap((line) => {
      const [seconds = '', ref = ''] = line.split(' ')
      return /^\d{1,12}$/.test(seconds)
        ? [[ref.slice(prefix.length), Number(seconds) * 1_000] as const]
        : []
    }),
  )
}
