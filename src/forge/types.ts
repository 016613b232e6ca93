/** The embedded GitHub-compatible server. It knows nothing of the mesh. */
import type { Clock, Logger, Startable } from '../util/index.ts'
import type { ForgeFaults } from './faults/types.ts'
import type { Spawner } from './git/run.ts'

/** What a person may do in a repository; each role includes those before it. */
export type ForgeRole = 'none' | 'read' | 'triage' | 'push' | 'admin'

export interface ForgeUser {
  login: string
  token: string
  /** Role on every repository unless a repository says otherwise. */
  role: 'admin' | 'push' | 'triage' | 'read'
  /** Bots act, but cannot be assigned to an issue. Default User. */
  type?: 'User' | 'Bot'
}

export interface ForgeInit {
  /** Directory that holds bare repositories and the database; created when absent; survives restarts. */
  dir: string
  /** Default 127.0.0.1. */
  host?: string
  /** Default 0: any free port. */
  port?: number
  users?: ForgeUser[]
  /** Requests per hour and user, over all of the user's tokens. Default 5,000, as on github.com. */
  rateLimit?: number
  /** Whether issues have dependencies and sub-issues; without, their paths answer 404. Default true. */
  relations?: boolean
  /** On `free`, an issue of a private repository has one assignee at most. Default `team`: ten. */
  plan?: 'free' | 'team'
}

export interface ForgeComponents {
  /** The only way to a child process: git plumbing, and the two ends of smart HTTP. */
  processes: Spawner
  logger?: Logger
  clock?: Clock
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
  /** Idempotent by login; a further token of the same login is accepted beside the first. */
  addUser(user: ForgeUser): Promise<void>
}
