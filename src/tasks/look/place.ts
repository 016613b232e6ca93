/** One repository made ready: seen on GitHub, writable, its git remote trusted with the token, a local bare store. */
import { join } from 'node:path'
import type { Credential } from '../../secrets/index.ts'
import type { Clock } from '../../util/index.ts'
import { createPatches } from '../asking/patches.ts'
import { createClaims } from '../claim/claims.ts'
import { createFormerNames } from '../claim/former-names.ts'
import type { Verify } from '../claim/record.ts'
import { createGitTransport } from '../claim/git-transport.ts'
import { createRestTransport, type RestRefs } from '../claim/rest-transport.ts'
import { openRepository } from '../claim/repository.ts'
import type { RunGit } from '../claim/repository-types.ts'
import { openGate, type Outgoing } from '../outgoing/outgoing.ts'
import type { Context, RepoContext } from '../context.ts'
import { TasksError } from '../errors.ts'
import type { TasksMesh } from '../needs.ts'
import { requireAssignable } from '../github/principal.ts'
import { createUpkeep } from '../upkeep/upkeep.ts'

/** Longest wait for what a repository is called now, ms. */
const nameMs = 15_000

export interface PlaceInit {
  /** Holds one bare git repository per GitHub repository. */
  dir: string
  apiUrl: string
  /** Base of the git remotes, `/owner/name.git` is added. Default: what the API says. */
  gitUrl?: string
  /** A credential may give another token for each call. */
  token: string | Credential
  /** Login that is assigned on behalf of the token's. */
  assignee?: string
  /** How claim refs move. Default: git. */
  transport?: 'git' | 'rest'
}

export interface PlaceComponents {
  git: RunGit
  /** Asked before everything that git sends. Default: lets all pass. */
  outgoing?: Outgoing
  verify: Verify
  signer: Pick<TasksMesh, 'peerId' | 'sign' | 'incarnation'>
  clock: Clock
  github: {
    /** For the `rest` transport. */
    refs(repo: string): RestRefs
    assignable(repo: string, login: string, signal: AbortSignal): Promise<boolean>
  }
}

/**
 * Errors: those of GitHub, `REPO_READ_ONLY`, `NOT_ASSIGNABLE`, `GITHUB_ANSWER` when the git remote is
 * on another site.
 */
export async function openPlace(
  init: PlaceInit,
  components: PlaceComponents,
  context: Context,
  repo: string,
  signal: AbortSignal,
): Promise<RepoContext> {
  const { git, verify, signer, clock, outgoing = openGate } = components
  const { settings, login, name } = context
  const info = await context.github.repository(repo, signal)
  if (!info.canPush) throw readOnly(repo, login, info.missing)
  const chosen = init.assignee !== undefined
  await requireAssignable(components.github, { repo, login, chosen }, signal)
  const url =
    init.gitUrl === undefined ? info.cloneUrl : `${init.gitUrl.replace(/\/+$/, '')}/${repo}.git`
  if (init.gitUrl === undefined && !sameSite(init.apiUrl, url)) {
    throw new TasksError(
      'GITHUB_ANSWER',
      `${repo} is to be cloned from another site than the API's: ${new URL(url).host}.`,
      {
        data: { repo, host: new URL(url).host },
        next: 'If the token may go there, set github.gitUrl to that site.',
      },
    )
  }
  const gitDir = join(init.dir, `${repo.toLowerCase().replace('/', '__')}.git`)
  const { refPrefix } = settings
  const store = { gitDir, url, repo, token: init.token, refPrefix, outgoing }
  const transport =
    init.transport === 'rest'
      ? createRestTransport(store, { git, api: components.github.refs(repo) })
      : createGitTransport(store, { git })
  const refs = await openRepository(store, { git, transport })
  const identity = { name, login, incarnation: signer.incarnation, leaseMs: settings.leaseMs }
  const nameNow = async (name: string) =>
    (await context.github.repository(name, AbortSignal.timeout(nameMs))).fullName
  const isFormer = createFormerNames(info.fullName, nameNow, clock)
  // The name as configured is the name everywhere, whatever GitHub's spelling of it is.
  return {
    repo,
    info,
    refs,
    patches: createPatches(git, gitDir),
    upkeep: createUpkeep(store, git),
    claims: createClaims(refs, settings.refPrefix, identity, { signer, verify, isFormer, clock }),
  }
}

/** `missing`: of an App, what it lacks. */
export function readOnly(repo: string, login: string, missing: string[] | undefined): TasksError {
  if (missing === undefined) {
    return new TasksError('REPO_READ_ONLY', `The token of ${login} cannot push to ${repo}.`, {
      data: { repo },
      next: 'Give it write access to contents, issues and pull requests of the repository.',
    })
  }
  const which = missing.join(', ').replaceAll('_', ' ')
  return new TasksError('REPO_READ_ONLY', `The App ${login} cannot write ${which} of ${repo}.`, {
    data: { repo, missing },
    next: `Give the App write access to ${which} (its page on GitHub, Permissions), and accept that in the installation.`,
  })
}

/** The token goes only where the API itself is: the same host, or `x` for an API at `api.x`. */
export function sameSite(apiUrl: string, gitUrl: string): boolean {
  const [api, git] = [new URL(apiUrl), new URL(gitUrl)]
  const secure = git.protocol === 'https:' || git.protocol === api.protocol
  return secure && (api.hostname === git.hostname || api.hostname === `api.${git.hostname}`)
}
