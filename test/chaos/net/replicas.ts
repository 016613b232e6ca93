/**
 * What must be true of journals, judged from what every agent shows of every journal. Pure.
 *
 * An entry stands at (peer, epoch, seq). What was shown once is acknowledged: it must stand there in
 * all final journals, and nobody may ever have shown another entry there.
 */
import type { LoggedEntry, Verification } from '../../../src/api/client.ts'
import type { ClaimRecord } from '../../../src/tasks/claim/record.ts'

/** One entry as one agent showed it. */
export interface Sighting {
  /** Name of the agent that was asked. */
  holder: string
  /** When it was shown, by the clock of the harness, ms. */
  at: number
  entry: LoggedEntry
}

export interface FinalJournals {
  holder: string
  entries: readonly LoggedEntry[]
  verifications: readonly Verification[]
}

export const placeOf = ({ peerId, epoch, seq }: LoggedEntry) => `${peerId} ${epoch} ${seq}`

/** Same text for the same entry, whoever shows it: the name is a holder's own idea of the peer. */
export function contentOf(entry: LoggedEntry): string {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted)
    if (typeof value !== 'object' || value === null) return value
    const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(fields.map(([name, inner]) => [name, sorted(inner)]))
  }
  return JSON.stringify(sorted({ ...entry, agent: '' }))
}

const short = (peerId: string) => peerId.slice(-6)

/**
 * More entries at one place than journals have it: somewhere one was written twice. `copies`: homes were
 * copied on purpose, so an epoch may have a journal of each; without them that is a fork as well.
 */
export function forks(
  seen: readonly Sighting[],
  finals: readonly FinalJournals[],
  { copies = false }: { copies?: boolean } = {},
): string[] {
  const keys = keysOf(finals)
  const places = new Map<string, { name: string; holders: Map<string, string> }>()
  const look = (holder: string, entry: LoggedEntry) => {
    const { peerId, epoch, seq } = entry
    const name = `entry ${seq} of ${epochName(peerId, epoch)}`
    const place = places.get(placeOf(entry)) ?? { name, holders: new Map() }
    places.set(placeOf(entry), place)
    const content = contentOf(entry)
    if (!place.holders.has(content)) place.holders.set(content, holder)
  }
  for (const { holder, entry } of seen) look(holder, entry)
  for (const { holder, entries } of finals) for (const entry of entries) look(holder, entry)
  const differing = [...places.values()].flatMap(({ name, holders }) => {
    const journals = keys.get(name.replace(/^entry \d+ of /, ''))?.size ?? 1
    if (holders.size <= (copies ? journals : 1)) return []
    return [`${name} is not the same at ${[...holders.values()].join(' and ')}`]
  })
  const doubled = [...keys].flatMap(([name, { size }]) =>
    size > 1 && !copies ? [`${name} has ${size} journals`] : [],
  )
  return [...differing, ...doubled]
}

const epochName = (peerId: string, epoch: number) => `epoch ${epoch} of …${short(peerId)}`

/** Keys of the journals of each epoch. */
function keysOf(finals: readonly FinalJournals[]): Map<string, Set<string>> {
  const keys = new Map<string, Set<string>>()
  for (const { verifications } of finals) {
    for (const { peerId, epoch, key, length } of verifications) {
      if (length === 0) continue
      const name = epochName(peerId, epoch)
      keys.set(name, (keys.get(name) ?? new Set()).add(key))
    }
  }
  return keys
}

/** Where an entry stood that was written again, because its journal could not be gone on with. */
function originOf(entry: LoggedEntry): string[] {
  if (!('origin' in entry) || entry.origin === undefined) return []
  const { epoch, seq } = entry.origin
  return [placeOf({ ...entry, epoch, seq })]
}

/** What was shown once and is not in the final journals of every holder. At most 20 are told. */
export function missing(seen: readonly Sighting[], finals: readonly FinalJournals[]): string[] {
  const places = new Map(seen.map((one) => [placeOf(one.entry), one]))
  const found = finals.flatMap(({ holder, entries }) => {
    const there = new Set(entries.flatMap((entry) => [placeOf(entry), ...originOf(entry)]))
    return [...places].flatMap(([place, { entry, holder: by }]) => {
      if (there.has(place)) return []
      const { type, seq, epoch, peerId } = entry
      return [`${holder} lacks ${type} (${epoch}/${seq}) of …${short(peerId)}, which ${by} showed`]
    })
  })
  return found.length > 20 ? [...found.slice(0, 20), `and ${found.length - 20} more`] : found
}

/** Entries of a journal are there from the first on, without a gap. */
export function gaps(finals: readonly FinalJournals[]): string[] {
  return finals.flatMap(({ holder, entries }) => {
    const journals = new Map<string, Set<number>>()
    for (const { peerId, epoch, seq } of entries) {
      const name = `epoch ${epoch} of …${short(peerId)}`
      journals.set(name, (journals.get(name) ?? new Set()).add(seq))
    }
    return [...journals].flatMap(([name, seqs]) => {
      const length = Math.max(...seqs) + 1
      return seqs.size === length ? [] : [`${holder} has ${seqs.size} of ${length} in ${name}`]
    })
  })
}

export function unverified(finals: readonly FinalJournals[]): string[] {
  return finals.flatMap(({ holder, verifications }) =>
    verifications
      .filter(({ ok }) => !ok)
      .map(({ agent, epoch, problems }) => {
        return `${holder}: the journal of ${agent}, epoch ${epoch}: ${problems.join(' ')}`
      }),
  )
}

/**
 * What the forge acknowledged: whoever pushed a claim or a closing record had written that down
 * before, so its journals must know it.
 */
export function unwritten(
  records: ReadonlyMap<string, ClaimRecord | string>,
  finals: readonly FinalJournals[],
): string[] {
  const tried = new Set<string>()
  const done = new Set<string>()
  for (const { entries } of finals) {
    for (const entry of entries) {
      if (entry.type === 'claim.tried') tried.add(`${entry.peerId} ${entry.oid}`)
      if (entry.type === 'publish.intent') done.add(`${entry.peerId} ${entry.done}`)
    }
  }
  return [...records].flatMap(([oid, record]) => {
    if (typeof record !== 'object') return []
    const { peerId, name, issue, attempt, state } = record
    const begins = state === 'held' && isFirst(record, records)
    const known = begins ? tried : state === 'done' ? done : undefined
    if (known === undefined || known.has(`${peerId} ${oid}`)) return []
    return [`no journal knows ${state}(${attempt}) of #${issue}, which ${name} pushed`]
  })
}

/** Whether a record begins an attempt: renewals are written down only afterwards. */
function isFirst(
  { previous, attempt }: ClaimRecord,
  records: ReadonlyMap<string, ClaimRecord | string>,
): boolean {
  const before = previous === null ? undefined : records.get(previous)
  return typeof before !== 'object' || before.attempt !== attempt
}
