/**
 * Pull requests whose owner is gone. Whoever sees the closing record of an agent that has not been in the
 * mesh for its lease and the margin looks for the pull request, in the order of rendezvous, a pause
 * apart; the claim of a round decides who answers what is said there, as always.
 */
import { marginMs } from '../intake/consider.ts'
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
    const awaySince = memory.away.get(record.peerId)
    if (!isPublished || record.peerId === mesh.peerId || awaySince === undefined) continue
    const patience = record.leaseMs + marginMs + placeFor(floor, place, issue) * stepMs
    if (now - awaySince < patience) continue
    sought += 1
    const branch = `${settings.branchPrefix}${issue}`
    const found = await github.findPull(place.repo, branch, place.info.defaultBranch, signal)
    none.set(issue, tip.oid)
    if (found?.open !== true) continue
    const pull = { number: found.number, url: found.url }
    put(watched, newWatch({ issue, attempt: record.attempt, pull }, false))
  }
}
