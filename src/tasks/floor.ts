/** What the turns of all repositories share: slots, running attempts, what was heard and said. */
import type { Context, Job } from './context.ts'
import type { Chain } from './chain.ts'
import type { Ranked } from './fitness.ts'
import type { Candidate } from './intake.ts'
import type { Issue } from './github.ts'
import type { Policy } from './needs.ts'
import type { Sighting, Tip } from './claim/decide.ts'

/** What turns share, kept by the service. */
export interface Floor {
  context: Context
  self(): Candidate
  freeSlots(): number
  isActive(repo: string, issue: number): boolean
  activeIssues(repo: string): number[]
  /** Ends the running attempt at an issue that is not wanted any more. */
  cancel(repo: string, issue: number, reason: string): void
  begin(job: Job): void
  /** A peer said in the last moments that it claimed this issue. */
  heardClaimed(repo: string, issue: number): boolean
  /** Not before this time (monotonic ms) does this agent try the issue again. */
  notBefore(repo: string, issue: number): number
  /** OIDs that this agent left behind: claims of a former process, answers that were lost. */
  abandoned(oid: string, previous: string | null): boolean
  say(event: Said): Promise<void>
  /** Lets other repositories look at once: issues there waited for one that is not open any more. */
  wake?(repos: readonly string[]): void
}

export type Said =
  | { is: 'seen'; repo: string; issue: Issue; needs: string[]; place?: number }
  /** This agent leaves the issue alone. */
  | { is: 'skipped'; repo: string; issue: Issue; reason: string }
  /** Nothing keeps it from the issue any more: what is said next is news again. */
  | { is: 'trying'; repo: string; issue: number }
  | { is: 'waiting'; repo: string; issue: number; needs: string[]; reason: string }
  /** The claim ref holds what it should not, or is sound again. */
  | {
      is: 'suspect'
      repo: string
      issue: number
      ref: string
      kind: Suspicion['kind'] | 'sound'
      oid: string
      reason: string
    }

/** What is wrong with a claim ref. */
export interface Suspicion {
  /** Holds no record; was there and is gone; holds a record that does not build on the one before. */
  kind: 'invalid' | 'deleted' | 'forced'
  ref: string
  /** What the ref holds; when it is gone, what it held. */
  oid: string
  reason: string
  /** Wall clock when this agent saw it first, ms. */
  sinceMs: number
}

/** Per repository, over turns. */
export interface RepoMemory {
  sightings: Map<number, Sighting>
  policies: Map<string, Policy>
  /** Claim refs that were seen and are gone: the last record, and since when (monotonic ms). */
  gone: Map<number, { tip: Extract<Tip, { is: 'record' }>; since: number }>
  /** The last record seen in each claim ref. */
  records: Map<number, Extract<Tip, { is: 'record' }>>
  /** Claim refs whose history was rewritten: the last record before that, and since when (monotonic ms). */
  forced: Map<number, { tip: Extract<Tip, { is: 'record' }>; since: number }>
  /** Claim refs that are not as they should be. */
  suspicions: Map<number, Suspicion>
  /** Logins and failures by peer, from the chain below a tip. */
  chains: Map<number, Chain & { oid: string }>
  /** The order of agents for each issue, as this one saw it last. */
  orders: Map<number, readonly Ranked[]>
  /** Issues that were listed last. */
  listed: ReadonlySet<number>
  /** Why nothing new is taken, as of the last turn that had an issue; absent when it is. */
  paused?: string | undefined
  /** Closing records whose pull request was looked for. */
  heired: Set<string>
  /** Monotonic ms since when nobody who is connected can do the issue. */
  lonely: Map<number, number>
}

export const emptyMemory = (): RepoMemory => ({
  sightings: new Map(),
  policies: new Map(),
  gone: new Map(),
  records: new Map(),
  forced: new Map(),
  suspicions: new Map(),
  chains: new Map(),
  orders: new Map(),
  listed: new Set(),
  heired: new Set(),
  lonely: new Map(),
})
