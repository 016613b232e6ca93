/**
 * What the claim refs held over time, as this process saw it: since when each record is there, which
 * refs are gone, which hold something that is no record, and whose history was rewritten. A look
 * may come from a replica that lags, so a tip that stands before the one seen last says nothing until
 * it has stayed; one that does not build on it at all was forced.
 */
import type { Tip } from '../claim/decide.ts'
import type { RepoContext } from '../context.ts'
import type { Floor, RepoMemory, Suspicion } from './floor.ts'

type RecordTip = Extract<Tip, { is: 'record' }>

/** How a record stands to the one that was seen last in its ref. */
export type Relation = 'same' | 'onward' | 'before' | 'apart' | 'untold'

/** A replica lags by seconds; what is older than that for so long was put there, ms. */
export const replicaMs = 60_000

/**
 * Whether the history was rewritten. Pure. `since`: own monotonic ms from which on the ref was seen
 * to hold the tip.
 */
export function isForced(relation: Relation, since: number, now: number): boolean {
  if (relation === 'apart') return true
  return relation === 'before' && now - since >= replicaMs
}

/** One look at the ref of an issue; tells the journal once for each fact. */
export async function sight(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  issue: number,
  tip: Tip,
): Promise<void> {
  const now = floor.context.clock.monotonic()
  if (tip.is === 'absent') {
    const last = memory.records.get(issue)
    memory.sightings.delete(issue)
    memory.records.delete(issue)
    if (last === undefined) return
    memory.gone.set(issue, { tip: last, since: now })
    const { oid, record } = last
    const reason = `the ref was deleted; it held attempt ${record.attempt} of ${record.name} (${record.state})`
    await suspect(floor, place, memory, issue, { kind: 'deleted', oid, reason })
    return
  }
  if (memory.sightings.get(issue)?.oid !== tip.oid)
    memory.sightings.set(issue, { oid: tip.oid, since: now })
  if (tip.is === 'invalid') {
    const { oid, why: reason, ref } = tip
    await suspect(floor, place, memory, issue, {
      kind: 'invalid',
      oid,
      reason,
      ...(ref && { ref }),
    })
    return
  }
  memory.gone.delete(issue)
  const last = memory.records.get(issue)
  const relation = await relate(place, last, tip)
  const since = memory.sightings.get(issue)?.since ?? now
  if (last !== undefined && isForced(relation, since, now)) {
    // As with a deleted ref: whoever held the last record may still work.
    memory.forced.set(issue, { tip: last, since: now })
    const { oid, record } = last
    const reason = `the ref was forced: what it holds does not build on attempt ${record.attempt} of ${record.name} (${record.state}, ${oid.slice(0, 12)})`
    await suspect(floor, place, memory, issue, { kind: 'forced', oid: tip.oid, reason })
  } else if (relation === 'before') return
  else if (relation !== 'same' || memory.suspicions.get(issue)?.kind !== 'forced')
    await clear(floor, place, memory, issue, tip)
  memory.records.set(issue, tip)
}

async function relate(
  { refs }: RepoContext,
  last: RecordTip | undefined,
  tip: RecordTip,
): Promise<Relation> {
  if (last === undefined || last.oid === tip.oid) return 'same'
  if (tip.record.previous === last.oid) return 'onward'
  // What was seen once may be gone from the local store; then nothing is said.
  const builds = (older: string, newer: string) =>
    refs.isAncestor(older, newer).catch(() => undefined)
  const onward = await builds(last.oid, tip.oid)
  if (onward === undefined) return 'untold'
  if (onward) return 'onward'
  return (await builds(tip.oid, last.oid)) === true ? 'before' : 'apart'
}

async function suspect(
  floor: Floor,
  { repo, claims }: RepoContext,
  memory: RepoMemory,
  issue: number,
  what: Omit<Suspicion, 'sinceMs' | 'ref'> & { ref?: string },
): Promise<void> {
  const old = memory.suspicions.get(issue)
  if (old?.kind === what.kind && old.oid === what.oid) return
  const { clock, logger } = floor.context
  const suspicion: Suspicion = { ref: claims.refOf(issue), ...what, sinceMs: clock.now() }
  memory.suspicions.set(issue, suspicion)
  const { ref, kind, oid, reason } = suspicion
  logger.warn(
    { event: 'claim.suspect', repo, issue, kind, oid, why: reason },
    'a claim ref is not what it was left as; the issue is left alone',
  )
  await floor.say({ is: 'suspect', repo, issue, ref, kind, oid, reason })
}

/** The ref holds a record that goes on from what is known: whatever was wrong is past. */
async function clear(
  floor: Floor,
  { repo, claims }: RepoContext,
  memory: RepoMemory,
  issue: number,
  tip: RecordTip,
): Promise<void> {
  memory.forced.delete(issue)
  if (!memory.suspicions.delete(issue)) return
  const { record, oid } = tip
  const reason = `it holds attempt ${record.attempt} of ${record.name} (${record.state})`
  const ref = claims.refOf(issue)
  await floor.say({ is: 'suspect', repo, issue, ref, kind: 'sound', oid, reason })
}
