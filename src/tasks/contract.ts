/** The contract of the service: what it is given, and what it offers. */
import type { Clock, Logger, Startable } from '../util/index.ts'
import type { HelpDesk } from './asking/desk.ts'
import type { Helping } from './helping/helping.ts'
import type { Verify } from './claim/record.ts'
import type { RunGit } from './claim/repository-types.ts'
import type { Settings } from './context.ts'
import type { GatesInit } from './intake/gates.ts'
import type { createGitHub, RateLimit } from './github/github.ts'
import type { GateCalls } from './github/gate-calls.ts'
import type { ReviewCalls } from './github/review-calls.ts'
import type { GitHubWithRefs } from './github/types.ts'
import type { Candidate } from './intake/intake.ts'
import type { TasksJournal, TasksMesh, TasksWork } from './needs.ts'
import type { OutgoingComponents } from './outgoing/outgoing.ts'
import type { openPlace, PlaceInit } from './look/place.ts'
import type { Reachable } from './github/reach.ts'
import type { RepoStatus, TaskView } from './types.ts'

export interface TasksInit extends Settings, Omit<GatesInit, 'pollMs'>, PlaceInit {
  name: string
  userAgent: string
  /** owner/name of each repository to work. */
  repos: readonly string[]
}

/** Without `reviews`, pull requests are left alone. */
export type Connect = (
  ...of: Parameters<typeof createGitHub>
) => GitHubWithRefs & { gates: GateCalls; reviews?: ReviewCalls }

export interface TasksComponents {
  journal: TasksJournal
  mesh: TasksMesh
  work: TasksWork
  git: RunGit
  verify: Verify
  logger: Logger
  /** Asks other agents. Without it a task that is stuck fails. */
  help?: HelpDesk
  /** Takes secrets out of a text that is to be published. Default: leaves it as it is. */
  mask?: OutgoingComponents['mask']
  /** Of this agent, for `needs:` and rendezvous; free slots are filled in here. */
  self: () => Omit<Candidate, 'freeSlots'>
  /** Called when the login is known, and whenever the number of used slots changes. */
  onChange: (change: { login: string | null; slotsUsed: number }) => void
  /** False while this agent takes nothing new; what it works on goes on. Default: always true. */
  mayTake?: () => boolean
  clock?: Clock
  /** Makes the GitHub client. Default: octokit. A measurement in model time gives its own. */
  connect?: Connect
  /** Makes a repository ready. Default: a local git store and its remote. */
  openPlace?: typeof openPlace
}

/** A webhook, or another sign that something changed: it is never believed, only looked at. */
export interface Hint {
  /** owner/name */
  repo: string
  issue?: number
  /** Name of the event and what happened, as GitHub calls them. */
  event: string
  action?: string
}

export interface Tasks extends Startable {
  status(): {
    apiUrl: string
    /** Whom issues are assigned to. */
    login: string | null
    /** Who signs in, where that is another. */
    viewer?: string
    repos: RepoStatus[]
    rateLimit: RateLimit | null
    reach: Reachable
    /** Webhooks came lately, here or elsewhere in the mesh. */
    hooks: boolean
  }
  /** `full`: why nothing is added although slots are free. */
  slots(): { total: number; used: number; full?: string }
  /** What only this agent's memory tells of a task. */
  look(ref: { repo: string; issue: number }): TaskView
  /** Helps other agents; `agent.ts` gives it to `help/`. */
  helping: Helping
  /** The repository is looked at now; what comes within a second is one look. Unknown ones are ignored. */
  hint(hint: Hint): void
}
