/**
 * Statements from outside, on their way into the roster: shape, place, dates, then the author (an
 * unsupported one costs no signature check), then the signature. Authors are looked at from the mesh
 * key outwards, so the order in which the statements come does not matter.
 *
 * Checking a signature takes about 0.2 ms; after some of them others get their turn.
 */
import { CLOCK_SKEW_MS, MAX_STATEMENTS } from './limits.ts'
import { grantsSigner, keyOf, misfit } from './rules.ts'
import { epochOf, extendChain, headOf, provenTime, supported, unite } from './roster.ts'
import {
  type Roster,
  type Rotation,
  type Stored,
  isSigned,
  meshIdOf,
  parseStatement,
} from './statements.ts'
import type { Merged } from './types.ts'

/** Signatures that are checked before others get their turn: about 5 ms. */
const CHECKS_PER_TURN = 25
/** Statements that are taken apart before others get their turn: about 5 ms. */
const PARSED_PER_TURN = 200

export interface Taken extends Merged {
  roster: Roster
}

/**
 * Reasons in `refused`: `malformed`, `many`, `foreign` (another mesh), `stale` (former epoch),
 * `ahead` (unknown epoch), `broken` (a rotation that continues nothing), `future`, `lifetime`,
 * `selfmade`, `unsupported` (its author is no signer), `forged`, `surplus` (valid, but it
 * does not count beside what is there). Never throws.
 */
export async function take(
  roster: Roster,
  inputs: readonly unknown[],
  now: number,
  max: number = MAX_STATEMENTS,
): Promise<Taken> {
  const refused: Record<string, number> = {}
  const refuse = (reason: string, count = 1) => {
    refused[reason] = (refused[reason] ?? 0) + count
  }
  if (inputs.length > max) refuse('many', inputs.length - max)
  const rotations: Rotation[] = []
  const entries = new Map<string, Stored>()
  for (const [at, input] of inputs.slice(0, max).entries()) {
    if (at % PARSED_PER_TURN === PARSED_PER_TURN - 1) await new Promise(setImmediate)
    const parsed = parseStatement(input)
    if (parsed === undefined) refuse('malformed')
    else if (parsed.statement.kind === 'rotation') rotations.push(parsed.statement)
    else if (parsed.statement.kind === 'genesis') {
      if (meshIdOf(parsed.statement) !== roster.meshId) refuse('foreign')
    } else entries.set(parsed.id, { id: parsed.id, entry: parsed.statement })
  }
  const extended = extendChain(roster, rotations)
  const broken = rotations.filter(
    ({ mesh, epoch, key }) => mesh !== roster.meshId || extended.rotations[epoch - 1]?.key !== key,
  )
  if (broken.length > 0) refuse('broken', broken.length)

  const place = { meshId: extended.meshId, epoch: epochOf(extended) }
  // No later than it was proven to be, so that a machine without a clock of its own goes by the roster;
  // not with the skew on top, or each date would allow a later one.
  const latest = Math.max(now, provenTime(extended.entries.values()) - CLOCK_SKEW_MS)
  const known = new Set([...extended.entries.values()].map(({ id }) => id))
  const fitting: Stored[] = []
  for (const stored of entries.values()) {
    if (known.has(stored.id)) continue
    const reason = misfit(place, stored.entry, latest)
    if (reason === undefined) fitting.push(stored)
    else refuse(reason)
  }
  const { valid, forged, unsupported } = await check(extended, fitting)
  if (forged > 0) refuse('forged', forged)
  if (unsupported > 0) refuse('unsupported', unsupported)

  const united = unite(extended, valid)
  const added = valid.filter(({ id, entry }) => united.entries.get(keyOf(entry))?.id === id).length
  if (added < valid.length) refuse('surplus', valid.length - added)
  return { roster: united, added: added + epochOf(united) - epochOf(roster), refused }
}

async function check(roster: Roster, candidates: readonly Stored[]) {
  const rootKey = headOf(roster).key
  const byAuthor = new Map<string, Stored[]>()
  for (const stored of candidates) {
    const list = byAuthor.get(stored.entry.by)
    if (list === undefined) byAuthor.set(stored.entry.by, [stored])
    else list.push(stored)
  }
  const valid: Stored[] = []
  let checks = 0
  const authors = supported(roster.entries.values())
  // A set that grows while it is walked: each new signer's statements are looked at in their turn.
  for (const author of authors) {
    for (const stored of byAuthor.get(author) ?? []) {
      checks += 1
      if (checks % CHECKS_PER_TURN === 0) await new Promise(setImmediate)
      if (!isSigned(stored.entry, rootKey)) continue
      valid.push(stored)
      if (grantsSigner(stored.entry)) authors.add(stored.entry.peerId)
    }
  }
  return {
    valid,
    forged: checks - valid.length,
    unsupported: candidates.length - checks,
  }
}
