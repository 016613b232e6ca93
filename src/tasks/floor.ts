/** What the turns of all repositories share: slots, running attempts, what was heard and said. */
import type { Context, Job } from './context.ts'
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
}

export type Said =
  | { is: 'seen'; repo: string; issue: Issue; needs: string[]; place?: number }
  /** This agent leaves the issue alone. */
  | { is: 'skipped'; repo: string; issue: Issue; reason: string }
  /** Nothing keeps it from the issue any more: what is said next is news again. */
  | { is: 'trying'; repo: string; issue: number }
  | { is: 'waiting'; repo: string; issue: number; needs: string[]; reason: string }

/** Per repository, over turns. */
export interface RepoMemory {
  sightings: Map<number, Sighting>
  policies: Map<string, Policy>
  /** Claim refs that were seen and are gone: the last record, and since when (monotonic ms). */
  gone: Map<number, { tip: Extract<Tip, { is: 'record' }>; since: number }>
  /** The last record seen in each claim ref. */
  records: Map<number, Extract<Tip, { is: 'record' }>>
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
  heired: new Set(),
  lonely: new Map(),
})
