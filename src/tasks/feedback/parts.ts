/** What the steps of feedback share: of one repository, over turns. */
import type { RecentMap } from '../../util/index.ts'
import type { RepoContext } from '../context.ts'
import type { ReviewCalls } from '../github/review-calls.ts'
import type { Floor, RepoMemory } from '../look/floor.ts'
import type { Manners } from './manners.ts'
import type { People } from './people.ts'
import type { Watched } from './watched.ts'

export interface Parts {
  floor: Floor
  place: RepoContext
  memory: RepoMemory
  own: DeskMemory
  reviews: ReviewCalls
  people: People
}

/** What is kept for one repository. */
export interface DeskMemory {
  watched: Map<number, Watched>
  /** Closing records for which there was no open pull request when it was looked for. */
  none: RecentMap<number, string>
  /** When one was looked for again, monotonic ms. */
  soughtAt: number
  talk: Talk
  /** Why the last turn did not come to its end; empty when it did. */
  trouble: string
  lookedAt: number
  /** What an earlier run left is in here. */
  isWhole: boolean
}

export interface Talk {
  /** Comments of an issue or pull request, as counted last. */
  counts: RecentMap<number, number>
  /** Time of the newest comment that was read, ISO 8601 by GitHub's clock. */
  since: RecentMap<number, string>
  /** When those who stand behind another look themselves, monotonic ms. */
  due: RecentMap<number, number>
  handled: Set<number>
  manners: Manners
}

/** `number`: where the comments stand, an issue or its pull request. */
export interface Where {
  number: number
  issue: number
  count: number
}
