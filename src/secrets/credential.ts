/**
 * Who signs in to GitHub, and with what at this moment. A token may be replaced while an agent works:
 * a file is rotated, an App's token lives for an hour. So nobody keeps a token; who needs one asks
 * for it before each call, and says when it was refused.
 */
import type { Clock, Logger } from '../util/index.ts'
import { createAppCredential, type AppCredential } from './app-credential.ts'
import { createAppCalls } from './github-app.ts'
import type { HeldSecrets } from './held.ts'
import { resolveSecret } from './resolve.ts'
import { Secret } from './secret.ts'
import { createTokenCredential, type TokenCredential } from './token-credential.ts'
import {
  githubAppKey,
  type CommandRunner,
  type MaybeReference,
  type ResolveOptions,
  type SecretName,
} from './types.ts'

export type Credential = TokenCredential | AppCredential

export interface CredentialInit {
  apiUrl: string
  token?: MaybeReference
  /** With an id, the App signs in and `token` is not looked at. */
  app: {
    id?: number | string | undefined
    privateKey?: MaybeReference
    installationId?: number | undefined
  }
  userAgent: string
}

export interface CredentialComponents {
  env: ResolveOptions['env']
  commands: CommandRunner
  logger: Logger
  /** Is told every secret and token that is read or given out. */
  held?: HeldSecrets
  clock?: Clock
}

/** Reads nothing yet: the first `check` or `token` does. */
export function createCredential(
  init: CredentialInit,
  components: CredentialComponents,
): Credential {
  const { app, apiUrl, userAgent } = init
  const { env, commands, logger, held, clock } = components
  const host = githubHost(apiUrl)
  const read =
    (reference: MaybeReference, name?: SecretName) => (signal: AbortSignal | undefined) =>
      resolveSecret(reference, {
        env,
        commands,
        host,
        held,
        ...(name === undefined ? {} : { name }),
        ...(signal === undefined ? {} : { signal }),
      })
  const parts = { logger, ...(clock === undefined ? {} : { clock }) }
  if (app.id === undefined) return createTokenCredential({ read: read(init.token) }, parts)
  const { id, privateKey, installationId } = app
  const calls = createAppCalls(
    { apiUrl, userAgent, id, key: read(privateKey, githubAppKey) },
    parts,
  )
  const credential = createAppCredential(
    { id, ...(installationId === undefined ? {} : { installationId }) },
    { ...parts, calls },
  )
  if (held === undefined) return credential
  return {
    ...credential,
    async token(at) {
      const token = await credential.token(at)
      held.add('GitHub App token', new Secret(token))
      return token
    },
  }
}

/** The name under which people and `gh` know the site of an API: `api.github.com` is github.com. */
export function githubHost(apiUrl: string): string {
  const { host } = new URL(apiUrl)
  return host.startsWith('api.') ? host.slice('api.'.length) : host
}
