/**
 * What was seen in the claim refs, and since when. Refs are read only when something can be acted on:
 * before a claim is tried, when an issue changed that somebody holds, and when a holder is gone from
 * the mesh. A record counts as abandoned when the same OID was read at two times that are the
 * lease and the margin apart: a ref moves only forward to new commits, so it was there all the while.
 */
import { isLeased, keeperOf } from '../claim/decide.ts'
import type { RepoContext } from '../context.ts'
import type { Floor, RepoMemory, Seen } from './floor.ts'
import type { Issue } from '../github/github.ts'
import { safetyOf, safetySpan } from './polling.ts'
import { replicaMs, sight } from './sight.ts'

/** How old a reading of the refs may be when a claim is tried, ms. */
const freshMs = 2_000

export interface ReadingInput {
  seen: Seen | undefined
  now: number
  /** When this agent noticed the last change of the issue. */
  changedAt: number
  isAssigned: boolean
  /** Since when the record's holder is not in the mesh; undefined while it is. */
  awaySince: number | undefined
  /** The ref is not as it should be: somebody may put it right, and nothing else tells. */
  isSuspect: boolean
  pollMs: number
  safetyMs: number
}

/** Whether the refs are to be read for an issue although nothing is tried yet. Pure. */
export function mustRead(input: ReadingInput): boolean {
  const { seen, now, changedAt, isAssigned, awaySince, isSuspect, pollMs, safetyMs } = input
  // Who is assigned may be a holder, or a person: only the ref tells them apart.
  if (seen === undefined) return isAssigned
  const { tip, readAt } = seen
  if (readAt < changedAt && (isAssigned || (tip.is === 'record' && isLeased(tip.record))))
    return true
  if (isSuspect) return now - readAt >= pollMs
  if (tip.is !== 'record' || !isLeased(tip.record)) {
    // Whoever is assigned may have claimed though a replica that lagged did not show it yet: once more.
    const isFinal = tip.is === 'record' && tip.record.state === 'done'
    const surelyAt = changedAt + replicaMs
    return isAssigned && !isFinal && readAt < surelyAt && now >= surelyAt
  }
  // A holder that was fenced, or whose ref was taken away, says nothing.
  if (awaySince === undefined) return now - readAt >= safetyMs
  return readAt < awaySince || now - readAt >= tip.record.leaseMs / 3
}

/** Reads the refs if that is due for one of the issues, or if `force` says so. */
export async function readIfDue(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  issues: readonly Issue[],
  signal: AbortSignal,
  force = false,
): Promise<void> {
  const { context } = floor
  const now = context.clock.monotonic()
  noteAway(floor, memory, now)
  const { pollMs } = context.settings
  const times = { pollMs, safetyMs: safetyOf(context.settings) }
  const safetyMs = safetySpan(times, context.mesh.candidates().length + 1)
  const isDue = issues.some((issue) => {
    const { number } = issue
    if (floor.isActive(place.repo, number) || floor.heardClaimed(place.repo, number)) return false
    if (floor.freeSlots() <= 0 || floor.notBefore(place.repo, number) > now) return false
    const seen = memory.tips.get(number)
    const holder = seen?.tip.is === 'record' ? keeperOf(seen.tip.record) : ''
    const changedAt = memory.issues.get(number)?.changedAt ?? now
    const isAssigned = issue.assignees.length > 0
    const awaySince = memory.away.get(holder)
    const isSuspect = memory.suspicions.has(number)
    const when = { now, changedAt, pollMs, safetyMs }
    return mustRead({ seen, isAssigned, awaySince, isSuspect, ...when })
  })
  if (isDue || force) await readRefs(floor, place, memory, issues, signal)
}

/** Reads the refs unless that was done a moment ago. */
export async function readFresh(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  issues: readonly Pick<Issue, 'number'>[],
  signal: AbortSignal,
): Promise<void> {
  const { clock } = floor.context
  const oldest = Math.min(
    ...issues.map(({ number }) => memory.tips.get(number)?.readAt ?? -Infinity),
  )
  if (clock.monotonic() - oldest > freshMs) await readRefs(floor, place, memory, issues, signal)
}

export async function readRefs(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  issues: readonly Pick<Issue, 'number'>[],
  signal: AbortSignal,
): Promise<void> {
  const began = floor.context.clock.monotonic()
  const names = new Set(issues.map(({ number }) => String(number)))
  const snapshot = await place.refs.snapshot(signal, names)
  for (const { number } of issues) {
    const tip = await place.claims.decode(place.repo, number, snapshot.get(String(number)))
    memory.tips.set(number, { tip, readAt: began })
    await sight(floor, place, memory, number, tip)
    floor.knows?.(place.repo, number, began)
  }
}

/** Remembers since when holders are away, of all that the tips name. */
function noteAway({ context }: Floor, memory: RepoMemory, now: number): void {
  const here = new Set([context.mesh.peerId, ...context.mesh.candidates().map((one) => one.peerId)])
  const named = new Set(
    [...memory.tips.values()].flatMap(({ tip }) =>
      tip.is === 'record' ? [keeperOf(tip.record)] : [],
    ),
  )
  for (const peerId of memory.away.keys())
    if (here.has(peerId) || !named.has(peerId)) memory.away.delete(peerId)
  for (const peerId of named)
    if (!here.has(peerId) && !memory.away.has(peerId)) memory.away.set(peerId, now)
}

/** When the next record will have been seen for its lease and the margin, monotonic ms. Pure. */
export function nextTakeover(
  { sightings, records }: Pick<RepoMemory, 'sightings' | 'records'>,
  now: number,
  marginMs: number,
): number {
  const times = [...sightings].flatMap(([issue, { since }]) => {
    const tip = records.get(issue)
    const at =
      tip !== undefined && isLeased(tip.record) ? since + tip.record.leaseMs + marginMs : -Infinity
    return at > now ? [at] : []
  })
  return Math.min(Infinity, ...times)
}

/** Forgets what belongs to issues that are not known any more. */
export function forgetOthers(memory: RepoMemory): void {
  const { sightings, records, gone, forced, suspicions, chains, orders } = memory
  const { lonely, tips, since, heirPauses, assigned } = memory
  const known = [sightings, records, gone, forced, suspicions, chains, orders, lonely, tips, since]
  for (const map of [...known, heirPauses, assigned])
    for (const issue of map.keys()) if (!memory.issues.has(issue)) map.delete(issue)
}
