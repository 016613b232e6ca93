/** Who signs in to GitHub, as `bzzz up` would: by token, or as a GitHub App. */
import type { Config } from '../../../config/index.ts'
import {
  createCredential,
  fixedToken,
  githubAppKey,
  pkcs8,
  resolveSecret,
  Secret,
  type AppCredential,
  type SecretName,
  type SecretReference,
} from '../../../secrets/index.ts'
import { missingOf } from '../../../tasks/index.ts'
import { nullLogger } from '../../../util/index.ts'
import type { Context } from '../../context.ts'
import { packageVersion } from '../../version.ts'
import type { Place } from './place.ts'

export interface SignIn {
  /** Where the secret came from, and what should be better there. */
  source: string
  warnings: readonly string[]
  /** Undefined: by token. */
  app: AppCredential | undefined
  /** The token for a repository. Errors: `APP_…`. */
  token(repo: string, signal: AbortSignal): Promise<string>
}

/** Of an App in the installation of one repository. */
export interface AppRights {
  /** `slug[bot]` */
  login: string
  /** Permissions that a task needs and that it does not have. */
  missing: string[]
}

/** Every secret and token that is read goes into `secrets`. Errors: those of the secrets, `APP_KEY_INVALID`. */
export async function signInOf(
  { github }: Pick<Config, 'github'>,
  { env, cwd, signal }: Context,
  { processes }: Pick<Place, 'processes'>,
  secrets: Secret[],
): Promise<SignIn> {
  const commands = {
    run: (request: Parameters<Place['processes']['run']>[0]) =>
      processes.run({ ...request, cwd, lease: false }),
  }
  const read = async (reference: SecretReference | undefined, name?: SecretName) => {
    const named = name === undefined ? {} : { name }
    const found = await resolveSecret(reference, { env, signal, commands, ...named })
    secrets.push(found.value)
    return found
  }
  if (github.app.id === undefined) {
    const { value, source, warnings } = await read(github.token)
    const fixed = fixedToken(value.reveal())
    return { source, warnings, app: undefined, token: (repo) => fixed.token({ repo }) }
  }
  const { value, source, warnings } = await read(github.app.privateKey, githubAppKey)
  pkcs8(value.reveal(), source)
  const app = createCredential(
    { ...github, userAgent: `bzzz/${packageVersion()}` },
    { env, commands, logger: nullLogger },
  )
  if (app.kind !== 'app') throw new TypeError('With an id it is an App.')
  return {
    source,
    warnings,
    app,
    token: async (repo, inner) => {
      const token = await app.token({ repo, signal: inner })
      secrets.push(new Secret(token))
      return token
    },
  }
}

/** Undefined for a token: GitHub says itself what that may do. Errors: `APP_…`. */
export async function appRights(
  { app }: Pick<SignIn, 'app'>,
  repo: string,
  signal: AbortSignal,
): Promise<AppRights | undefined> {
  if (app === undefined) return undefined
  const permissions = await app.permissions({ repo, signal })
  return { login: await app.login(signal), missing: missingOf(permissions) }
}
