/** What GitHub says of each repository, and what the claim refs hold. */
import { join } from 'node:path'
import type { Config } from '../../../config/index.ts'
import { verifySignature } from '../../../mesh/index.ts'
import type { Git } from '../../../process/index.ts'
import { formerNames, inspectClaims, inspectRepository, typedCall } from '../../../tasks/index.ts'
import type { Work } from '../../../work/index.ts'
import { fail, failed, ok, skip, warn, type Check, type Finding } from './check.ts'
import { appRights, type AppRights, type SignIn } from './sign-in.ts'

export interface GitHubParts {
  config: Config
  signIn: SignIn
  userAgent: string
  git: Git
  work: Pick<Work, 'readPolicy'>
  /** For local stores of git. */
  dir: string
}

type Facts = Awaited<ReturnType<typeof inspectRepository>>

/** Claim refs that are named; the rest is counted. */
const maxNamed = 5

/** Two rows for each repository: what it is, and its claim refs. */
export function repositoryChecks(
  parts: GitHubParts,
  { login, assignee }: { login: string; assignee: string },
): Check[] {
  return parts.config.github.repos.flatMap((repo, index) => {
    let facts: Promise<{ facts: Facts; token: string; app: AppRights | undefined }> | undefined
    const { apiUrl, labels } = parts.config.github
    const { signIn, userAgent } = parts
    const init = { apiUrl, userAgent, repo, login: assignee, trigger: labels.trigger }
    const ask = async (signal: AbortSignal) => {
      const token = await signIn.token(repo, signal)
      const app = await appRights(signIn, repo, signal)
      return { facts: await inspectRepository({ ...init, token }, signal), token, app }
    }
    const known = (signal: AbortSignal) => (facts ??= ask(signal))
    let claims: ReturnType<typeof inspectClaims> | undefined
    const looked = async (signal: AbortSignal) => {
      const { token, facts: seen } = await known(signal)
      const { cloneUrl, defaultBranch, fullName } = seen
      const isFormer = formerNames({ ...init, token }, fullName, signal)
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
          const { facts: seen, app } = await known(signal)
          const found = repositoryFinding(seen, {
            ...init,
            who: app === undefined ? `token of ${login}` : `App ${login}`,
            app,
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
    who,
    app,
  }: {
    apiUrl: string
    repo: string
    login: string
    trigger: string
    paused: readonly string[]
    /** Who signs in; `login` is who is assigned. */
    who: string
    app: AppRights | undefined
  },
): Finding {
  const seen = `${fullName}, default branch ${defaultBranch}`
  if (archived) return fail(`${fullName} is archived`, `Take it out of github.repos: ${repo}`)
  if (!hasIssues) return fail(`${fullName} has no issues`, 'Turn issues on in its settings.')
  if (app !== undefined && app.missing.length > 0) {
    const which = app.missing.join(', ').replaceAll('_', ' ')
    return fail(
      `the ${who} may not write ${which} of ${fullName}`,
      `Give the App write access to ${which} (its page on GitHub, Permissions), and accept that in the installation.`,
    )
  }
  const lacks = Object.entries(may).flatMap(([what, allowed]) => (allowed === false ? [what] : []))
  if (lacks.length > 0) {
    const text = `the ${who} may not write ${lacks.join(', ')} of ${fullName}`
    return fail(
      text,
      'Give it write access to contents, issues and pull requests of the repository.',
    )
  }
  if (!assignable)
    return fail(
      `${login} cannot be assigned to issues of ${fullName}`,
      login === app?.login
        ? 'Name an account that may be assigned there, for this agent alone: github.assignee: LOGIN in bzzz.yaml.'
        : 'Make it a collaborator with write access.',
    )
  if (paused.some((name) => name.toLowerCase() === repo.toLowerCase()))
    return warn(`${seen}; paused by github.paused`, 'To go on, take it out of github.paused.')
  if (!hasTrigger)
    return warn(`${seen}; it has no label ${trigger}`, labelAdvice({ apiUrl, repo, trigger }))
  return ok(seen)
}

export function labelAdvice({
  apiUrl,
  repo,
  trigger,
}: {
  apiUrl: string
  repo: string
  trigger: string
}): string {
  const typed = typedCall({
    apiUrl,
    repo,
    gh: ['label', 'create', trigger],
    method: 'POST',
    path: 'labels',
    body: { name: trigger },
  })
  return typed.startsWith('gh ') ? `Type: ${typed}` : `Type, with its token for TOKEN: ${typed}`
}

function claimsFinding(
  { count, states, expired, invalid }: Awaited<ReturnType<typeof inspectClaims>>,
  repo: string,
): Finding {
  const kinds = Object.entries(states).map(([state, amount]) => `${amount} ${state}`)
  const seen = count === 0 ? 'none' : [`${count} refs`, ...kinds].join(', ')
  if (invalid.length > 0) {
    const named = invalid.slice(0, maxNamed).map(({ ref, oid, reason, sinceMs }) => {
      const since = sinceMs === null ? '' : `, a commit of ${new Date(sinceMs).toISOString()}`
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
