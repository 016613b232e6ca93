/**
 * Pull requests whose owner is gone, or has let a round go that it could not begin. Whoever sees the closing
 * record of an agent that has not been in the mesh for its lease and the margin, or a round that was let
 * go, looks for the pull request, in the order of rendezvous, a pause apart; the claim of a round decides
 * who answers what is said there, as always.
 */
import { marginMs } from '../intake/consider.ts'
import type { ClaimRecord } from '../claim/record.ts'
import type { RepoContext } from '../context.ts'
import type { Floor, RepoMemory } from '../look/floor.ts'
import { placeOf } from '../look/polling.ts'
import { newWatch, put, type Watched } from './watched.ts'

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

/** Takes up what is nobody's any more. */
export async function inheritPulls(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  watched: Map<number, Watched>,
  none: Map<number, string>,
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  const { clock, github, mesh, settings } = context
  const now = clock.monotonic()
  let sought = 0
  for (const issue of memory.issues.keys()) {
    if (sought >= maxSought) return
    const tip = memory.tips.get(issue)?.tip
    if (watched.has(issue) || tip?.is !== 'record' || none.get(issue) === tip.oid) continue
    const { record } = tip
    const isPublished = record.state === 'done' || record.round !== undefined
    // Whoever could not begin its round has let it go, and is still here.
    const isFree = isLetGo(record)
    const since = isFree ? memory.sightings.get(issue)?.since : memory.away.get(record.peerId)
    if (!isPublished || record.peerId === mesh.peerId || since === undefined) continue
    const lease = isFree ? 0 : record.leaseMs + marginMs
    if (now - since < lease + placeFor(floor, place, issue) * stepMs) continue
    sought += 1
    const branch = `${settings.branchPrefix}${issue}`
    const found = await github.findPull(place.repo, branch, place.info.defaultBranch, signal)
    none.set(issue, tip.oid)
    if (found?.open !== true) continue
    const pull = { number: found.number, url: found.url }
    put(watched, newWatch({ issue, attempt: record.attempt, pull }, false))
  }
}
