/**
 * Secrets by reference: where they are is configuration, what they are is read at the last moment
 * and never printed. Files, systemd credentials, container secrets, variables and, if asked for,
 * `gh auth token`. A source that another room must run is passed in: nothing here spawns.
 *
 * @example
 * const { value, source } = await resolveSecret(config.github.token, { env: process.env })
 * log.info({ value, source }, 'signed in') // {"value":"[secret]","source":"env GITHUB_TOKEN"}
 * const octokit = new Octokit({ auth: value.reveal() })
 */
export { SecretError, type SecretErrorCode } from './errors.ts'
export { redact } from './redact.ts'
export { resolveSecret } from './resolve.ts'
export { Secret } from './secret.ts'
export { githubToken } from './types.ts'
export type {
  CommandRunner,
  ResolvedSecret,
  ResolveOptions,
  SecretName,
  SecretReference,
} from './types.ts'
