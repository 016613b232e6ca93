/**
 * What a work branch holds: checkpoints of unfinished work on top of commits that are meant to stay.
 *
 *   base ── … ── root ── checkpoint ── checkpoint = tip
 *                  └──── finished work, which takes the place of the checkpoints
 */
import type { ClaimRepository } from '../claim/repository-types.ts'
import { decodeMessage, maxMessageBytes, type CheckpointNote } from './message.ts'

/** Checkpoints of one branch that are looked through; with more, they stay and are built on. */
const maxCheckpoints = 500

export interface Below {
  /** Newest commit that is no checkpoint; the tip itself when that is none. */
  root: string
  /** What the newest checkpoint says. */
  note?: CheckpointNote
}

/** `tip`: in the local store. */
export async function belowCheckpoints(
  refs: Pick<ClaimRepository, 'describe'>,
  tip: string,
): Promise<Below> {
  let root = tip
  let note: CheckpointNote | undefined
  for (let count = 0; count <= maxCheckpoints; count += 1) {
    const commit = await refs.describe(root, maxMessageBytes)
    const said = commit === undefined ? undefined : decodeMessage(commit.message)
    const [parent] = commit?.parents ?? []
    // A merge is a person's work, and a commit without a parent has nothing below it.
    if (said === undefined || parent === undefined || (commit?.parents.length ?? 0) > 1)
      return { root, ...(note === undefined ? {} : { note }) }
    note ??= said
    root = parent
  }
  return { root: tip, ...(note === undefined ? {} : { note }) }
}
