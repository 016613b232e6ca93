/** The embedded GitHub-compatible server. It knows nothing of the mesh. */
import type { Clock, Logger, Startable } from '../util/index.ts'
import type { ForgeFaults } from './faults/types.ts'
import type { Spawner } from './git/run.ts'

/** What a person may do in a repository; each role includes those before it. */
export type ForgeRole = 'none' | 'read' | 'triage' | 'push' | 'admin'

export type ForgePermissionName =
  | 'administration'
  | 'checks'
  | 'contents'
  | 'issues'
  | 'metadata'
  | 'pull_requests'
  | 'repository_hooks'
  | 'statuses'
  | 'workflows'

/** What a token is allowed to touch; `write` includes `read`. `metadata: read` is always there. */
export type ForgePermissions = Partial<Record<ForgePermissionName, 'read' | 'write'>>

export interface ForgeUser {
  login: string
  token: string
  /** Role on every repository unless a repository says otherwise. */
  role: 'admin' | 'push' | 'triage' | 'read'
  /** Bots act, but cannot be assigned to an issue. Default User. */
  type?: 'User' | 'Bot'
  /** Makes the token fine-grained: it may do at most this. Default: all that the account may. */
  permissions?: ForgePermissions
  /** Of a fine-grained token: `owner/name` of the repositories that it is for. Default: all. */
  repositories?: readonly string[]
}

/** A GitHub App, and where it is installed. Acts as the bot `<slug>[bot]`. */
export interface ForgeApp {
  id: number
  slug: string
  /** Accepted as issuer of a JWT beside the id. Default `Iv1.<id>`. */
  clientId?: string
  /** PEM of the RSA key that its JWTs (RS256) are checked with: the public half, or the private key. */
  key: string
  permissions: ForgePermissions
  installations: readonly ForgeInstallation[]
}

export interface ForgeInstallation {
  id: number
  /** Login of the owner. */
  account: string
  /** Names of the account's repositories that were selected. Default: all of them. */
  repositories?: readonly string[]
}

export interface ForgeInit {
  /** Directory that holds bare repositories and the database; created when absent; survives restarts. */
  dir: string
  /** Default 127.0.0.1. */
  host?: string
  /** Default 0: any free port. */
  port?: number
  /** An account may be named several times, with a token each; whatever tokens it had before end. */
  users?: readonly ForgeUser[]
  apps?: readonly ForgeApp[]
  /** Requests per hour and user, over all of the user's tokens. Default 5,000, as on github.com. */
  rateLimit?: number
  /**
   * github.com's secondary limits: 900 points per minute (a read 1, a write 5), and 80 requests
   * per minute and 500 per hour that create content. `status` is what a refusal has: github.com
   * answers either. Default: none.
   */
  secondaryLimits?: { status: 403 | 429 }
  /** Whether issues have dependencies and sub-issues; without, their paths answer 404. Default true. */
  relations?: boolean
  /** On `free`, a private repository has no drafts, and one assignee per issue. Default `team`. */
  plan?: 'free' | 'team'
  /** Where webhooks may be sent to. Default `loopback`: addresses of this machine only. */
  hookTargets?: 'loopback' | 'any'
}

/** An answer of the API as it went out, for an observer. */
export interface ForgeAnswer {
  method: string
  /** Decoded, without `/api/v3` and query. */
  path: string
  status: number
  headers: Headers
  body: string
}

export interface ForgeComponents {
  /** The only way to a child process: git plumbing, and the two ends of smart HTTP. */
  processes: Spawner
  logger?: Logger
  clock?: Clock
  /** Sees every answer of the API that no fault replaced, before the client does. For tests. */
  onResponse?: (answer: ForgeAnswer) => void
}

export interface ForgeHook {
  url: string
  /** Signs each delivery. Default: unsigned. */
  secret?: string
  /** Default `['push']`; `['*']` is all. */
  events?: readonly string[]
}

export interface ForgeRepository {
  owner: string
  name: string
  /** Directory whose files (without .git and node_modules) become the first commit. */
  from?: string
  private?: boolean
  description?: string
  /** Roles in this repository that replace the users' own; `none` hides a private one. */
  collaborators?: Record<string, ForgeRole>
  /** Webhooks from the start; one whose address the repository has already is left as it is. */
  hooks?: readonly ForgeHook[]
}

export interface Forge extends Startable {
  /** http://127.0.0.1:PORT – pages for people, and `<url>/<owner>/<name>.git` for git. After start. */
  readonly url: string
  /** Base URL for octokit: `<url>/api/v3`, as on GitHub Enterprise Server. */
  readonly apiUrl: string
  /** What shall go wrong, for tests; nothing does unless asked. Also before start. */
  readonly faults: ForgeFaults
  /** Makes a repository whose default branch `main` holds the files below `from` (or is empty). Idempotent by name. */
  createRepository(init: ForgeRepository): Promise<void>
  /** `owner/name` of all that it holds, in order. */
  repositories(): string[]
  /** Idempotent by login; a further token of the same login is accepted beside the first. */
  addUser(user: ForgeUser): Promise<void>
}
