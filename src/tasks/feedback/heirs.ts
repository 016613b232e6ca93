/**
 * Pull requests that nobody looks after, though they are open: their owner is gone, or has let a round go
 * that it could not begin; a person opened them again; or the request that opened them arrived so late
 * that a person had closed another one for the same work meanwhile. Whoever wrote the closing record looks
 * for them; once that agent has not been in the mesh for its lease and the margin, or has let the round go,
 * others do, in the order of rendezvous, a pause apart. The claim of a round decides who answers what is
 * said there, as always.
 *
 * Each closing record is looked up once; after that one listing, by ETag, now and then says whether there
 * is a pull request of such a branch. A branch of the same name in a fork is none: GitHub is asked by owner.
 */
import { marginMs } from '../intake/consider.ts'
import type { ClaimRecord } from '../claim/record.ts'
import type { RepoContext } from '../context.ts'
import type { ReviewCalls } from '../github/review-calls.ts'
import type { Floor, RepoMemory } from '../look/floor.ts'
import { placeOf, safetyOf } from '../look/polling.ts'
import type { DeskMemory } from './parts.ts'
import { newWatch, put } from './watched.ts'

/** Between two heirs, ms. */
const stepMs = 10_000
const maxSteps = 8
/** Pull requests that are looked for in one turn, which must not hold up new work. */
const maxSought = 8

/** Place of this agent among those that serve the repository, 0 for the first. */
export function placeFor({ context }: Floor, { repo }: RepoContext, issue: number): number {
  const { mesh } = context
  const others = mesh
    .candidates()
    .filter(({ repositories }) =>
      repositories.some((name) => name.toLowerCase() === repo.toLowerCase()),
    )
    .map(({ peerId }) => peerId)
  return Math.min(placeOf(`${repo}#${issue}`, mesh.peerId, others).place, maxSteps)
}

/** A round that its holder could not begin, or was told to let go of. */
export const isLetGo = ({ round, state }: Pick<ClaimRecord, 'round' | 'state'>): boolean =>
  round !== undefined && state === 'released'

export interface Unwatched {
  floor: Floor
  place: RepoContext
  memory: RepoMemory
  own: DeskMemory
  reviews: Pick<ReviewCalls, 'openPulls'>
  /** Something says that there is news. */
  asked: boolean
}

/** Takes up what nobody looks after. */
export async function inheritPulls(parts: Unwatched, signal: AbortSignal): Promise<void> {
  const { floor, place, own, reviews, asked } = parts
  const { clock, github, settings } = floor.context
  const now = clock.monotonic()
  const free = unwatched(parts, now)
  const known = free.filter(({ issue, oid }) => own.none.get(issue) === oid)
  const isDue = known.length > 0 && (asked || now - own.soughtAt >= safetyOf(settings))
  if (isDue) own.soughtAt = now
  const listed = isDue ? (await reviews.openPulls(place.repo, signal)).pulls : []
  const branches = new Set(listed.map(({ headRef }) => headRef))
  let sought = 0
  for (const { issue, oid, attempt } of free) {
    if (sought >= maxSought) return
    const branch = `${settings.branchPrefix}${issue}`
    if (own.none.get(issue) === oid && !branches.has(branch)) continue
    sought += 1
    // It may stand on what was the default branch then.
    const found =
      (await github.findPull(place.repo, branch, place.info.defaultBranch, signal)) ??
      (await github.findPull(place.repo, branch, undefined, signal))
    own.none.set(issue, oid)
    if (found?.open !== true) continue
    const pull = { number: found.number, url: found.url }
    put(own.watched, newWatch({ issue, attempt, pull }, false))
  }
}

/** Closing records, and rounds, whose pull request this agent should look after and does not. */
function unwatched({ floor, place, memory, own }: Unwatched, now: number) {
  const { mesh } = floor.context
  return [...memory.issues.keys()].flatMap((issue) => {
    const tip = memory.tips.get(issue)?.tip
    if (own.watched.has(issue) || tip?.is !== 'record') return []
    const { record, oid } = tip
    if (record.state !== 'done' && record.round === undefined) return []
    const one = { issue, oid, attempt: record.attempt }
    if (record.peerId === mesh.peerId) return floor.isActive(place.repo, issue) ? [] : [one]
    // Whoever could not begin its round has let it go, and is still here.
    const isFree = isLetGo(record)
    const since = isFree ? memory.sightings.get(issue)?.since : memory.away.get(record.peerId)
    if (since === undefined) return []
    const lease = isFree ? 0 : record.leaseMs + marginMs
    return now - since < lease + placeFor(floor, place, issue) * stepMs ? [] : [one]
  })
}
