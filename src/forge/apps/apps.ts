/**
 * The GitHub Apps of a forge: who they are, where they are installed, and the tokens of their
 * installations. Apps come with each start; the tokens that they were given last in the database.
 */
import { randomBytes, type KeyObject } from 'node:crypto'
import type { Clock } from '../../util/index.ts'
import { ApiError } from '../api-error.ts'
import { ForgeError } from '../errors.ts'
import { instant } from '../git/commits.ts'
import type { RepoRow, UserRow } from '../store/rows.ts'
import type { Store } from '../store/index.ts'
import type { ForgeApp, ForgeInstallation, ForgePermissions } from '../types.ts'
import { appKey, checkJwt } from './jwt.ts'

/** Life of an installation token, as on github.com. */
const TOKEN_MS = 3_600_000
const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,33})$/

export interface InstalledApp extends ForgeApp {
  bot: UserRow
  publicKey: KeyObject
}

export interface Installation extends ForgeInstallation {
  app: InstalledApp
}

export interface IssuedToken {
  token: string
  expiresAt: string
  permissions: ForgePermissions
  /** Undefined: all of the account's. */
  repositories: RepoRow[] | undefined
}

export interface Apps {
  /** Errors: 401, 404. */
  byJwt(token: string): InstalledApp
  installations(app: InstalledApp): Installation[]
  byId(id: number): Installation | undefined
  /** Where an App is installed on a repository. */
  on(app: InstalledApp, repo: RepoRow): Installation | undefined
  repositories(installation: Installation): RepoRow[]
  /**
   * A token for a subset of the installation's repositories and permissions.
   * Errors: 422 for what the installation does not have.
   */
  issue(
    installation: Installation,
    wanted: { names?: readonly string[]; ids?: readonly number[]; permissions?: ForgePermissions },
  ): IssuedToken
}

/** Paths that an App's JWT opens. */
export const forApps = (path: string): boolean =>
  /^\/app(\/|$)|^\/(repos\/[^/]+\/[^/]+|orgs\/[^/]+|users\/[^/]+)\/installation$/.test(path)

const bad = (app: ForgeApp, why: string, cause?: unknown) =>
  new ForgeError('FORGE_APP_INVALID', `The App ${app.slug} cannot be made: ${why}`, {
    data: { app: app.id, slug: app.slug },
    next: 'Give an id of its own, a slug in lower case, and the PEM of an RSA key.',
    ...(cause === undefined ? {} : { cause }),
  })

/** Errors: `FORGE_APP_INVALID`. */
export function forgeApps(
  list: readonly ForgeApp[],
  { store, clock }: { store: Store; clock: Clock },
): Apps {
  const apps = list.map((app): InstalledApp => {
    if (!SLUG.test(app.slug)) throw bad(app, 'its slug is none')
    try {
      const bot = store.users.bot(`${app.slug}[bot]`, instant(clock.now()))
      return { ...app, bot, publicKey: appKey(app.key) }
    } catch (cause) {
      throw bad(app, 'its key cannot be read', cause)
    }
  })
  const all = apps.flatMap((app) => app.installations.map((each) => ({ ...each, app })))
  const ids = [...apps.map(({ id }) => `app ${id}`), ...all.map(({ id }) => `installation ${id}`)]
  const twice = apps.find((_, at) => new Set(ids).size < ids.length && at === 0)
  if (twice !== undefined) throw bad(twice, 'two Apps or installations have the same id')

  const has = ({ account, repositories }: ForgeInstallation, repo: RepoRow): boolean =>
    repo.owner.toLowerCase() === account.toLowerCase() &&
    (repositories === undefined ||
      repositories.some((name) => name.toLowerCase() === repo.name.toLowerCase()))

  const repositories = (installation: Installation) =>
    store.repos.all().filter((repo) => has(installation, repo))

  function chosen(
    installation: Installation,
    { names, ids: numbers }: { names?: readonly string[]; ids?: readonly number[] },
  ): RepoRow[] | undefined {
    if (names === undefined && numbers === undefined)
      return installation.repositories === undefined ? undefined : repositories(installation)
    const own = repositories(installation)
    const found = [
      ...(names ?? []).map((name) =>
        own.find((each) => each.name.toLowerCase() === name.toLowerCase()),
      ),
      ...(numbers ?? []).map((id) => own.find((each) => each.id === id)),
    ]
    if (found.includes(undefined))
      throw new ApiError(
        422,
        'There is at least one repository that does not exist or is not accessible to the parent installation.',
      )
    return found as RepoRow[]
  }

  function allowed(app: InstalledApp, wanted: ForgePermissions | undefined): ForgePermissions {
    const own: ForgePermissions = { ...app.permissions, metadata: 'read' }
    for (const [name, level] of Object.entries(wanted ?? own)) {
      const has = own[name as keyof ForgePermissions]
      if (has === undefined || (level === 'write' && has !== 'write'))
        throw new ApiError(422, 'The permissions requested are not granted to this installation.')
    }
    return { ...(wanted ?? own), metadata: 'read' }
  }

  return {
    byJwt: (token) => {
      const keyed = apps.map((app) => ({ app, key: app.publicKey }))
      return checkJwt(token, clock.now(), (issuer) =>
        keyed.find(
          ({ app }) => issuer === String(app.id) || issuer === (app.clientId ?? `Iv1.${app.id}`),
        ),
      ).app
    },
    installations: (app) => all.filter((each) => each.app.id === app.id),
    byId: (id) => all.find((each) => each.id === id),
    on: (app, repo) => all.find((each) => each.app.id === app.id && has(each, repo)),
    repositories,
    issue: (installation, wanted) => {
      const { app } = installation
      const repos = chosen(installation, wanted)
      const permissions = allowed(app, wanted.permissions)
      const token = `ghs_${randomBytes(18).toString('hex')}`
      const nowMs = clock.now()
      const expiresMs = nowMs + TOKEN_MS
      const names = repos?.map(({ owner, name }) => `${owner}/${name}`) ?? [
        `${installation.account}/*`,
      ]
      store.users.issue({
        userId: app.bot.id,
        token,
        nowMs,
        expiresMs,
        grant: {
          permissions,
          repositories: names.map((name) => name.toLowerCase()),
          installation: installation.id,
        },
      })
      return { token, expiresAt: instant(expiresMs), permissions, repositories: repos }
    },
  }
}
