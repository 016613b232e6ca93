/** What every handler gets, and what the middleware found out about its request. */
import type { Context } from 'hono'
import type { Clock, Logger } from '../util/index.ts'
import type { FaultBook } from './faults/book.ts'
import type { Replica } from './faults/stale.ts'
import type { ForgeGit } from './git/index.ts'
import { instant } from './git/commits.ts'
import type { Apps, InstalledApp } from './apps/apps.ts'
import type { Hooks } from './hooks/types.ts'
import type { Limits } from './limits.ts'
import type { ForgeAnswer } from './types.ts'
import type { Urls } from './shapes/urls.ts'
import type { RepoRow, UserRow } from './store/rows.ts'
import type { Store } from './store/index.ts'

export interface Deps {
  store: Store
  git: ForgeGit
  urls: Urls
  limits: Limits
  clock: Clock
  logger: Logger
  plan: 'free' | 'team'
  apps: Apps
  hooks: Hooks
  /** Directory of the git hook that guards workflows. */
  hooksDir: string
  hookTargets: 'loopback' | 'any'
  observe: ((answer: ForgeAnswer) => void) | undefined
  faults: FaultBook
  replica: Replica
  /** Fires when the forge stops: ends the waits of requests. */
  stopping: AbortSignal
  /** Bare repository of `repo`. */
  dirOf(repo: RepoRow): string
}

export interface Env {
  /** Only from within: a page that asks the API for who is signed in there. No request can set it. */
  Bindings: { actor?: UserRow }
  Variables: {
    /** Undefined: anonymous. */
    user: UserRow | undefined
    /** The App whose JWT came instead of a token. */
    app: InstalledApp | undefined
    /** Key of the token for ETags; '' for anonymous. */
    tokenKey: string
    /** Age of the answer that a fault asks for, ms. */
    staleMs: number | undefined
    /** Of a GraphQL query that only read: under which its answers are kept for stale reads. */
    replicaKey: string | undefined
  }
}

export type Ctx = Context<Env>

/** Now, as GitHub writes it. */
export const stamp = (deps: Pick<Deps, 'clock'>): string => instant(deps.clock.now())
