/**
 * Who looks after a pull request: the author of the newest record of its claim ref. Heirs
 * (`heirs.ts`) do while that agent is not in the mesh, and leave it to that agent when it is back, or
 * to whoever else has made a round since. A round that was let go is anybody's until somebody makes it. Two that look after one do no harm, since rounds are
 * claimed; but each costs calls. That nobody does is worse: a record of an attempt before the newest one of this
 * agent's is an old reading and says nothing, and nothing is left to another without a fresh one.
 */
import type { RepoContext } from '../context.ts'
import { isLetGo } from './heirs.ts'
import type { Floor, RepoMemory } from '../look/floor.ts'
import { readFresh, readRefs } from '../look/sightings.ts'
import type { Watched } from './watched.ts'

/** Takes out what another looks after that is here. Asks for the refs once for each pull request. */
export async function leaveToOwners(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  watched: Map<number, Watched>,
  signal: AbortSignal,
): Promise<void> {
  const { mesh } = floor.context
  const note = () => {
    for (const one of watched.values()) {
      const tip = memory.tips.get(one.issue)?.tip
      if (tip?.is !== 'record') {
        if (tip !== undefined) one.owner ??= ''
      } else if (tip.record.attempt >= one.attempt)
        one.owner = isLetGo(tip.record) ? '' : tip.record.peerId
    }
  }
  note()
  const unknown = [...watched.values()].filter(({ owner }) => owner === undefined)
  if (unknown.length > 0) {
    const issues = unknown.map(({ issue }) => ({ number: issue }))
    await readRefs(floor, place, memory, issues, signal)
    note()
    for (const one of unknown) one.owner ??= ''
  }
  const here = new Set(mesh.candidates().map(({ peerId }) => peerId))
  const others = () =>
    [...watched.values()].flatMap(({ issue, owner = '' }) =>
      owner !== mesh.peerId && here.has(owner) && !floor.isActive(place.repo, issue)
        ? [{ number: issue }]
        : [],
    )
  const leaving = others()
  if (leaving.length === 0) return
  await readFresh(floor, place, memory, leaving, signal)
  note()
  for (const { number } of others()) watched.delete(number)
}
