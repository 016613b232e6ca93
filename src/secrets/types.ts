/** Where a secret is, and what this room needs from others to get it. */
import type { Secret } from './secret.ts'

/**
 * `file`: a path. `credential`: systemd's LoadCredential or a container secret of that name. `env`:
 * a variable, or the file that its `…_FILE` names. `gh`: what `gh auth token` prints.
 */
export type SecretReference =
  { file: string } | { credential: string } | { env: string } | { gh: true }

/** As `config/` decodes it: absent means the default places. */
export type MaybeReference = SecretReference | undefined

/** Runs a program; secrets do not spawn by themselves. The process room satisfies it. */
export interface CommandRunner {
  run(request: {
    file: string
    args: readonly string[]
    cwd: string
    env: Record<string, string>
    purpose: string
    timeoutMs: number
    maxOutputBytes?: number
    signal?: AbortSignal
  }): Promise<{ reason: string; exitCode?: number; stdout: string }>
}

/** A secret by the names under which it is looked for when no reference is given. */
export interface SecretName {
  /** For people: "GitHub token". */
  what: string
  /** File name of a credential or container secret. */
  id: string
  /** Variables, the first first; the first one's `…_FILE` is looked at before all else. */
  env: readonly [string, ...string[]]
  /** What it may consist of, where others would repeat a malformed one in their errors. */
  form?: RegExp
  /** The option that may name another place. */
  option: string
  /** A further way to give it, for advice. */
  also?: string
}

export const githubToken: SecretName = {
  what: 'GitHub token',
  id: 'github_token',
  env: ['BZZZ_GITHUB_TOKEN', 'GITHUB_TOKEN', 'GH_TOKEN'],
  /** What an HTTP header can carry in one word. */
  form: /^[\x21-\x7e]+$/,
  option: 'github.token',
  also: 'or set github.token to {gh: true} in bzzz.yaml after `gh auth login`',
}

export const githubAppKey: SecretName = {
  what: 'private key of the GitHub App',
  id: 'github_app_private_key',
  env: ['BZZZ_GITHUB_APP_PRIVATE_KEY'],
  option: 'github.app.privateKey',
}

export const webhookSecret: SecretName = {
  what: 'webhook secret',
  id: 'github_webhook_secret',
  env: ['BZZZ_GITHUB_WEBHOOKS_SECRET'],
  option: 'github.webhooks.secret',
}

export const joinToken: SecretName = {
  what: 'token to join the mesh with',
  id: 'mesh_join',
  env: ['BZZZ_MESH_JOIN'],
  option: 'mesh.join',
}

export interface ResolveOptions {
  env: Readonly<Record<string, string | undefined>>
  /** Default: the GitHub token. */
  name?: SecretName
  /** Where containers find their secrets. Default `/run/secrets`. */
  runDir?: string
  /** Is told what was found, so that it never leaves with the work. */
  held?: { add(what: string, value: Secret): void } | undefined
  /** Needed for `{gh: true}`. */
  commands?: CommandRunner
  /** Host that `gh` is asked about. Default github.com. */
  host?: string
  signal?: AbortSignal
}

export interface ResolvedSecret {
  value: Secret
  /** For people: "file /etc/bzzz/token", "env GITHUB_TOKEN". */
  source: string
  /** What should be better, one sentence each; without the value. */
  warnings: string[]
}
