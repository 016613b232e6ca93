/**
 * The roster: the chain of roots and, of its present epoch, one statement per (kind, subject, author).
 * Pure data; merging makes a new one.
 *
 * Merging is a union brought into normal form, so it does not matter who sends what in which order:
 * 1. The longest chain of roots counts. Chains cannot fork (see `keys.ts`).
 * 2. Statements of former epochs go, for ever.
 * 3. What ended long ago goes, by the time that the statements themselves prove: that of the newest record.
 *    No clock is asked, so one that jumps loses nothing, and equal sets stay equal.
 * 4. What a peer signed that the mesh key removed goes, except that it made others signers: whether
 *    these have another sponsor may become known later.
 * 5. Of one author's statements about one subject the newest counts; records that grant `signer` are
 *    a subject of their own, so that no newer record can hide a link of the chain.
 * 6. Statements whose author no chain of `signer` records leads to go. Nobody outside can fill it.
 * 7. Over the bounds (see `limits.ts`), the mesh key's statements stay, then those in force, then
 *    the newest of each author in turn: one author's flood displaces that author's own first.
 *
 * Whether a statement is in force is not asked here but in `view.ts`: steps 1 to 6 depend on nothing
 * that a later statement could undo, which is what makes the union associative.
 */
import { canonicalJson, sha256 } from '../../util/index.ts'
import { commitment } from './keys.ts'
import { MAX_RECORDS, MAX_REMOVALS, MAX_REVOCATIONS } from './limits.ts'
import { endOf, grantsSigner, keyOf, newer } from './rules.ts'
import {
  isSignedByOwnKey,
  meshIdOf,
  type Roster,
  type Entry,
  type Genesis,
  type Rotation,
  type Statement,
  type Stored,
} from './statements.ts'
import { viewOf } from './view.ts'

/** Undefined when the genesis is not signed by its own key. */
export function emptyRoster(genesis: Genesis): Roster | undefined {
  if (!isSignedByOwnKey(genesis)) return undefined
  return { meshId: meshIdOf(genesis), genesis, rotations: [], entries: new Map() }
}

export function headOf({ genesis, rotations }: Roster): Genesis | Rotation {
  return rotations.at(-1) ?? genesis
}

export function epochOf({ rotations }: Roster): number {
  return rotations.length
}

/** `roster` with those of `candidates` that continue its chain; their order does not matter. */
export function extendChain(roster: Roster, candidates: readonly Rotation[]): Roster {
  let next = roster
  for (const epoch of candidates.map((rotation) => rotation.epoch).sort((a, b) => a - b)) {
    if (epoch !== epochOf(next) + 1) continue
    const head = headOf(next)
    const rotation = candidates.find(
      (one) =>
        one.epoch === epoch &&
        one.mesh === roster.meshId &&
        commitment(one.key, one.next) === head.next &&
        isSignedByOwnKey(one),
    )
    if (rotation === undefined) break
    next = { ...next, rotations: [...next.rotations, rotation], entries: new Map() }
  }
  return next
}

/** `roster` with `added`, which fit and whose signatures were verified, in normal form. */
export function unite(roster: Roster, added: Iterable<Stored>): Roster {
  const entries = new Map<string, Stored>()
  const all = [...roster.entries.values(), ...added]
  const ousted = new Set(
    all.flatMap(({ entry }) =>
      entry.kind === 'removal' && entry.by === 'root' ? [entry.peerId] : [],
    ),
  )
  for (const stored of all) {
    const { entry } = stored
    if (ousted.has(entry.by) && !grantsSigner(entry)) continue
    const present = entries.get(keyOf(entry))
    if (present === undefined || newer(stored, present)) entries.set(keyOf(entry), stored)
  }
  dropUnsupported(entries)
  dropEnded(entries)
  return bounded({ ...roster, entries })
}

/** The latest date of a record, which was not ahead when it came: it is later than that, ms since 1970. */
export function provenTime(entries: Iterable<Stored>): number {
  let latest = 0
  for (const { entry } of entries) {
    if (entry.kind === 'member') latest = Math.max(latest, entry.issuedAt)
  }
  return latest
}

function dropEnded(entries: Map<string, Stored>): void {
  const now = provenTime(entries.values())
  let dropped = false
  for (const [key, { entry }] of entries) {
    if (endOf(entry) < now) dropped = entries.delete(key)
  }
  if (dropped) dropUnsupported(entries)
}

/** Peers to which a chain of `signer` records leads, whether in force or not, and `root`. */
export function supported(entries: Iterable<Stored>): Set<string> {
  const granted = new Map<string, string[]>()
  for (const { entry } of entries) {
    if (!grantsSigner(entry)) continue
    const list = granted.get(entry.by)
    if (list === undefined) granted.set(entry.by, [entry.peerId])
    else list.push(entry.peerId)
  }
  const reached = new Set(['root'])
  for (const author of reached) for (const peer of granted.get(author) ?? []) reached.add(peer)
  return reached
}

function dropUnsupported(entries: Map<string, Stored>): void {
  const authors = supported(entries.values())
  for (const [key, { entry }] of entries) if (!authors.has(entry.by)) entries.delete(key)
}

const LIMITS = {
  member: MAX_RECORDS,
  removal: MAX_REMOVALS,
  revocation: MAX_REVOCATIONS,
} as const

/** Removals before records, so that what a record is worth is asked of the removals that stay. */
function bounded(roster: Roster): Roster {
  let next = roster
  for (const kind of ['removal', 'revocation', 'member'] as const) next = cut(next, kind)
  return next
}

function cut(roster: Roster, kind: Entry['kind']): Roster {
  const present = [...roster.entries].filter(([, { entry }]) => entry.kind === kind)
  if (present.length <= LIMITS[kind]) return roster
  const view = viewOf(roster, provenTime(roster.entries.values()))
  const standing = ({ entry }: Stored) =>
    entry.by === 'root' ? 0 : view.signers.has(entry.by) ? 1 : 2
  const counts = ({ id, entry }: Stored) =>
    entry.kind === 'member' && view.members.get(entry.peerId)?.id !== id ? 1 : 0
  const ranked = rank(present).sort(
    (a, b) =>
      standing(a.stored) - standing(b.stored) ||
      counts(a.stored) - counts(b.stored) ||
      a.rank - b.rank ||
      (a.stored.id < b.stored.id ? -1 : 1),
  )
  const entries = new Map(roster.entries)
  for (const { key } of ranked.slice(LIMITS[kind])) entries.delete(key)
  dropUnsupported(entries)
  return { ...roster, entries }
}

/** Each entry with its place among those of its author, the newest first. */
function rank(list: [string, Stored][]): { key: string; stored: Stored; rank: number }[] {
  const places = new Map<string, number>()
  return list
    .sort(([, a], [, b]) => (newer(a, b) ? -1 : 1))
    .map(([key, stored]) => {
      const rank = places.get(stored.entry.by) ?? 0
      places.set(stored.entry.by, rank + 1)
      return { key, stored, rank }
    })
}

/** All statements: the chain, then the rest by id. */
export function statementsOf({ genesis, rotations, entries }: Roster): Statement[] {
  const rest = [...entries.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  return [genesis, ...rotations, ...rest.map(({ entry }) => entry)]
}

/** Equal for equal rosters; hex. Of the chain only its length can differ. */
export function digestOf({ meshId, rotations, entries }: Roster): string {
  const ids = [...entries.values()].map(({ id }) => id).sort()
  return sha256(canonicalJson([meshId, rotations.length, ids]))
}
