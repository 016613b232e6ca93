/** The embedded GitHub-compatible server. It knows nothing of the mesh. */
import type { Startable } from '../util/index.ts'

export interface ForgeUser {
  login: string
  token: string
  /** Role on every repository unless a repository says otherwise. */
  role: 'admin' | 'push' | 'triage' | 'read'
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
}

export interface Forge extends Startable {
  /** http://127.0.0.1:PORT – pages for people, and `<url>/<owner>/<name>.git` for git. After start. */
  readonly url: string
  /** Base URL for octokit. */
  readonly apiUrl: string
  /** Makes a repository whose default branch `main` holds the files below `from` (or is empty). Idempotent by name. */
  createRepository(init: {
    owner: string
    name: string
    from?: string
    private?: boolean
  }): Promise<void>
  addUser(user: ForgeUser): Promise<void>
}
