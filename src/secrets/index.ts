/**
 * Secrets by reference: where they are is configuration, what they are is read at the last moment
 * and never printed. Files, systemd credentials, container secrets, variables and, if asked for,
 * `gh auth token`. A source that another room must run is passed in: nothing here spawns.
 *
 * @example
 * const { value, source } = await resolveSecret({ file: '/etc/bzzz/token' }, { env: process.env })
 * log.info({ value, source }, 'read') // {"value":"[secret]","source":"file /etc/bzzz/token"}
 *
 * @example
 * const credential = createCredential(config.github, { env: process.env, commands: processes, logger })
 * const token = await credential.token({ repo: 'octo/lib' }) // for one call
 * if (status === 401 && (await credential.refused(token, { repo: 'octo/lib' }))) again()
 */
export { type AppCredential } from './app-credential.ts'
export { createCredential, githubHost, type Credential, type CredentialInit } from './credential.ts'
export type { At, CredentialStatus } from './credential-types.ts'
export { SecretError, type SecretErrorCode } from './errors.ts'
export { pkcs8 } from './github-app.ts'
export { createHeldSecrets, type HeldForms, type HeldSecrets } from './held.ts'
export { redact } from './redact.ts'
export { resolveSecret } from './resolve.ts'
export { createSecretScanner, type ScannerInit } from './scan/scanner.ts'
export type { ScanPart, SecretHit, SecretScanner } from './scan/types.ts'
export { Secret } from './secret.ts'
export { fixedToken, type TokenCredential } from './token-credential.ts'
export { githubAppKey, githubToken, joinToken, webhookSecret } from './types.ts'
export type {
  CommandRunner,
  ResolvedSecret,
  ResolveOptions,
  SecretName,
  SecretReference,
} from './types.ts'
