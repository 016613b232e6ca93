/** The agent as who runs it sees it. */
import type { Config } from '../config/index.ts'
import type { Journal } from '../journal/index.ts'
import type { Membership, Mesh } from '../mesh/index.ts'
import type { HeldSecrets } from '../secrets/index.ts'
import type { Board } from '../tasks/index.ts'
import type { Logger, Startable } from '../util/index.ts'
import type { Status } from '../api/index.ts'

export interface AgentInit {
  config: Config
  /** GitHub token. Default: what the configuration says a worker signs in with, read at the start. */
  token?: string
  /** Where secrets may be named or kept. Default: the environment of this process. */
  env?: Readonly<Record<string, string | undefined>>
  /** Says what would be written to GitHub, and writes and takes nothing. Default false. */
  dryRun?: boolean
}

export interface AgentComponents {
  logger: Logger
  /** Is filled with what must never leave. Default: one of its own. */
  held?: HeldSecrets
  /** Called when a client of the API asks the agent to stop. */
  onStopAsked?: () => void
}

export interface Agent extends Startable {
  /** These four throw before the start. */
  readonly mesh: Mesh
  readonly membership: Membership
  readonly journal: Journal
  readonly board: Board
  status(): Status
}
