/**
 * Who is what, now: a pure function of roster and time.
 *
 * Signers are found outwards from the mesh key, layer by layer: a peer is a signer of layer n + 1 when
 * one of layer n granted it and neither the mesh key nor any signer of a layer up to n removed it.
 * That gives each question an answer that hangs only on the layers before, so there are no circles:
 *
 *   root ─▶ layer 1 ─▶ layer 2 ─▶ …          a signer cannot remove its sponsors or their peers
 *
 * A record by the mesh key overrules all records about that peer that are not newer. Among those in
 * force the newest counts, except that `signer` is taken away by the mesh key only.
 */
import { CLOCK_SKEW_MS, MAX_DEPTH } from './limits.ts'
import {
  type MemberRecord,
  type Removal,
  type Roster,
  type Stored,
  sortRoles,
} from './statements.ts'
import { grantsSigner, newer } from './rules.ts'
import type { Role, Standing } from './types.ts'

type Records = Stored<MemberRecord>

export interface View {
  /** Layer, 1 and up, and the record that made it one. */
  readonly signers: ReadonlyMap<string, { layer: number; record: Records }>
  /** The record that counts, of each member. */
  readonly members: ReadonlyMap<string, Records>
  /** The newest record of those who are members no more. */
  readonly expired: ReadonlyMap<string, Records>
  /** The removal that counts: the mesh key's, else the newest. */
  readonly removed: ReadonlyMap<string, Stored<Removal>>
  /** Void invites. */
  readonly revoked: ReadonlySet<string>
  /** When time alone changes something, ms since 1970. */
  readonly until: number
}

export function viewOf(roster: Roster, now: number): View {
  const { records, removals, revocations } = sortOut(roster)
  const live = new Map<string, Records[]>()
  let until = Number.POSITIVE_INFINITY
  for (const [peerId, list] of records) {
    live.set(peerId, inForce(list, now))
    for (const { entry } of list) {
      const end = entry.expiresAt + CLOCK_SKEW_MS
      if (end >= now) until = Math.min(until, end)
    }
  }
  const signers = layers(live, removals)
  const counts = (author: string) => author === 'root' || signers.has(author)
  const removed = new Map<string, Stored<Removal>>()
  for (const [peerId, list] of removals) {
    const mine = list.filter(({ entry }) => counts(entry.by))
    const root = mine.find(({ entry }) => entry.by === 'root')
    const removal = root ?? mine.reduce<Stored<Removal> | undefined>(newest, undefined)
    if (removal !== undefined && (root !== undefined || !signers.has(peerId))) {
      removed.set(peerId, removal)
    }
  }
  const members = new Map<string, Records>()
  const expired = new Map<string, Records>()
  for (const [peerId, list] of records) {
    if (removed.has(peerId)) continue
    const valid = (live.get(peerId) ?? []).filter(({ entry }) => counts(entry.by))
    const record = valid.reduce<Records | undefined>(newest, undefined)
    if (record !== undefined) members.set(peerId, record)
    else {
      const last = list.reduce<Records | undefined>(newest, undefined)
      if (last !== undefined) expired.set(peerId, last)
    }
  }
  const revoked = new Set<string>()
  for (const { entry } of revocations) {
    if (counts(entry.by)) revoked.add(entry.invite)
  }
  return { signers, members, expired, removed, revoked, until }
}

export function standingIn(view: View, peerId: string): Standing {
  if (view.members.has(peerId)) return 'member'
  if (view.removed.has(peerId)) return 'removed'
  return view.expired.has(peerId) ? 'expired' : 'stranger'
}

export function rolesIn(view: View, peerId: string): Role[] {
  const record = view.members.get(peerId)
  if (record === undefined) return []
  const granted = record.entry.roles.filter((role) => role !== 'signer')
  return sortRoles(view.signers.has(peerId) ? [...granted, 'signer'] : granted)
}

/** From a signer to the mesh key: the records that lead there, nearest first. */
export function chainOf(view: View, signer: string): MemberRecord[] {
  const chain: MemberRecord[] = []
  for (let at = view.signers.get(signer); at !== undefined;) {
    chain.push(at.record.entry)
    at = view.signers.get(at.record.entry.by)
  }
  return chain
}

function sortOut(roster: Roster) {
  const records = new Map<string, Records[]>()
  const removals = new Map<string, Stored<Removal>[]>()
  const revocations = []
  for (const { id, entry } of roster.entries.values()) {
    if (entry.kind === 'member') push(records, entry.peerId, { id, entry })
    else if (entry.kind === 'removal') push(removals, entry.peerId, { id, entry })
    else revocations.push({ id, entry })
  }
  return { records, removals, revocations }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

function newest<T extends Stored>(best: T | undefined, one: T): T {
  return best === undefined || newer(one, best) ? one : best
}

/** Not ended, and not overruled by the mesh key. */
function inForce(list: readonly Records[], now: number): Records[] {
  const root = list
    .filter(({ entry }) => entry.by === 'root')
    .reduce<Records | undefined>(newest, undefined)
  return list.filter((record) => {
    if (record.entry.expiresAt + CLOCK_SKEW_MS < now) return false
    if (root === undefined || record.id === root.id) return true
    return record.entry.by !== 'root' && record.entry.issuedAt > root.entry.issuedAt
  })
}

function layers(
  live: ReadonlyMap<string, readonly Records[]>,
  removals: ReadonlyMap<string, readonly Stored<Removal>[]>,
): Map<string, { layer: number; record: Records }> {
  const signers = new Map<string, { layer: number; record: Records }>()
  for (let layer = 1; layer <= MAX_DEPTH; layer += 1) {
    const found = new Map<string, { layer: number; record: Records }>()
    for (const [peerId, list] of live) {
      if (signers.has(peerId)) continue
      const record = list
        .filter(({ entry }) => grantsSigner(entry) && isAbove(signers, entry.by))
        .reduce<Records | undefined>(newest, undefined)
      if (record === undefined) continue
      if (removals.get(peerId)?.some(({ entry }) => isAbove(signers, entry.by)) === true) continue
      found.set(peerId, { layer, record })
    }
    if (found.size === 0) break
    for (const [peerId, signer] of found) signers.set(peerId, signer)
  }
  return signers
}

function isAbove(signers: ReadonlyMap<string, unknown>, author: string): boolean {
  return author === 'root' || signers.has(author)
}
