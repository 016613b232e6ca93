/** What the turns of all repositories share: slots, running attempts, what was heard and said. */
import type { Stop } from '../attempt/attempt.ts'
import type { Context, Job, RepoContext } from '../context.ts'
import type { Chain } from '../intake/chain.ts'
import type { Ranked } from '../intake/fitness.ts'
import type { Candidate } from '../intake/intake.ts'
import type { Issue } from '../github/github.ts'
import type { Policy } from '../needs.ts'
import type { Sighting, Tip } from '../claim/decide.ts'
import type { Retry } from '../claim/retry.ts'

/** What turns share, kept by the service. */
export interface Floor {
  context: Context
  self(): Candidate
  freeSlots(): number
  isActive(repo: string, issue: number): boolean
  activeIssues(repo: string): number[]
  /** Ends the running attempt at an issue that is not wanted any more. */
  cancel(repo: string, issue: number, reason: string): void
  /** As a person asked; false when nothing of this agent works at the issue. */
  stop?(repo: string, issue: number, stop: Stop): boolean
  /** Looks after pull requests. */
  desk?: Desk
  begin(job: Job): void
  /** A peer said that it claimed this issue, and nothing says otherwise yet. */
  heardClaimed(repo: string, issue: number): boolean
  /** Not before this time (monotonic ms) does this agent try the issue again. */
  notBefore(repo: string, issue: number): number
  /** OIDs that this agent left behind: claims of a former process, answers that were lost. */
  abandoned(oid: string, previous: string | null): boolean
  say(event: Said): Promise<void>
  /** Lets other repositories look at once: issues there waited for one that is not open any more. */
  wake?(repos: readonly string[]): void
  /** The claim ref of an issue was read, from this time on (monotonic ms). */
  knows?(repo: string, issue: number, readAt: number): void
}

/** Looks after pull requests; see `feedback/`. */
export interface Desk {
  /** One turn of a repository. `asked`: something says that there is news. */
  turn(
    floor: Floor,
    place: RepoContext,
    memory: RepoMemory,
    how: { asked: boolean },
    signal: AbortSignal,
  ): Promise<void>
  /** Whether this agent looks after an open pull request for the issue. */
  watches(repo: string, issue: number): boolean
  /** A pull request is there from now on. */
  opened: NonNullable<Context['opened']>
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

/** What a claim ref held, and when it was read. */
export interface Seen {
  tip: Tip
  /** Own monotonic clock, ms. */
  readAt: number
}

/** Per repository, over turns. */
export interface RepoMemory {
  /** Open issues with the trigger label, as last read; times are monotonic ms. */
  issues: Map<number, { issue: Issue; readAt: number; changedAt: number }>
  /** Of the last listing, monotonic ms; -Infinity before the first. */
  listedAt: number
  /** What the claim refs held when they were read last. */
  tips: Map<number, Seen>
  /** Since when holders that the tips name are not in the mesh, monotonic ms. */
  away: Map<string, number>
  /** Since when this agent may try an issue, monotonic ms: its place's delay runs from here. */
  since: Map<number, number>
  sightings: Map<number, Sighting>
  /** The tip of the base branch and its policy, and when that was asked for, monotonic ms. */
  at: { policy: Policy; base: string; readAt: number } | undefined
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
  /** Why nothing new is taken, as of the last turn that had an issue; absent when it is. */
  paused?: string | undefined
  /** Closing records whose pull request was looked for. */
  heired: Set<string>
  /** Issues whose heritage GitHub refused: until when they are left alone, monotonic ms. */
  heirPauses: Map<number, number>
  /** What people asked to have tried anew, by issue: the newest of each. */
  retries: Map<number, Retry>
  /** Issues that are worked here: `updatedAt` of the newest reading that showed the own assignment. */
  assigned: Map<number, string>
  /** Monotonic ms since when nobody who is connected can do the issue. */
  lonely: Map<number, number>
}

export const emptyMemory = (): RepoMemory => ({
  issues: new Map(),
  listedAt: -Infinity,
  tips: new Map(),
  away: new Map(),
  since: new Map(),
  sightings: new Map(),
  at: undefined,
  gone: new Map(),
  records: new Map(),
  forced: new Map(),
  suspicions: new Map(),
  chains: new Map(),
  orders: new Map(),
  heired: new Set(),
  heirPauses: new Map(),
  retries: new Map(),
  assigned: new Map(),
  lonely: new Map(),
})
