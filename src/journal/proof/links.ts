/**
 * Whether a journal goes on from the one that its first entry names: same peer, an earlier epoch, at
 * least so long, and, where the link says so, with that tree hash at that length. And whether the
 * epochs of a peer branch, which is no problem of any of them: every branch is signed and whole.
 */
import type { PreviousJournal } from '../entries.ts'

/** Branches that are named for one journal. */
const maxNotes = 8

/** Another journal of the same peer, and what it goes on from. */
export interface Sibling {
  key: string
  epoch: number
  previous: PreviousJournal
}

export interface Linked {
  peerId: string
  epoch: number
  length: number
}

/**
 * What is wrong with the link; undefined when nothing is. `hashAt`: the tree hash of `previous` at its
 * length, undefined when it is not known.
 */
export function linkProblem(
  journal: Pick<Linked, 'peerId' | 'epoch'>,
  previous: PreviousJournal,
  known: Linked,
  hashAt: string | undefined,
): string | undefined {
  const name = `${previous.key.slice(0, 16)}, which it goes on from,`
  if (known.peerId !== journal.peerId) return `The journal ${name} is another peer's.`
  if (known.epoch !== previous.epoch || known.epoch >= journal.epoch) {
    return `The journal ${name} has epoch ${known.epoch}, not an earlier one that the link names.`
  }
  const { length = 0, treeHash } = previous
  if (known.length < length) {
    return `The journal ${name} has ${known.length} entries here, but had ${length}.`
  }
  if (treeHash !== undefined && hashAt !== undefined && hashAt !== treeHash) {
    return `The journal ${name} has another content at ${length} entries than the link names.`
  }
  return undefined
}

const cause = 'two processes wrote under one identity, or its home was set back or damaged'

/**
 * Where the epochs branch at this journal's link. `known`: `previous` as it is here; `siblings`: other
 * journals of the same peer with what they go on from. Each pair is named once, at the later epoch.
 */
export function branchNotes(
  { epoch, key }: Pick<Sibling, 'epoch' | 'key'>,
  previous: PreviousJournal,
  known: Linked | undefined,
  siblings: readonly Sibling[],
): string[] {
  const { length } = previous
  const notes: string[] = []
  if (known !== undefined && length !== undefined && known.length > length) {
    notes.push(
      `epoch ${epoch} begins at entry ${length} of epoch ${previous.epoch}, which goes on to ${known.length}: ${cause}`,
    )
  }
  for (const sibling of siblings) {
    if (sibling.epoch === epoch && sibling.key < key) {
      const names = [sibling.key, key].map((one) => one.slice(0, 16)).join(' and ')
      notes.push(`two journals have epoch ${epoch}, ${names}: ${cause}`)
    }
    if (sibling.previous.key !== previous.key || sibling.epoch >= epoch) continue
    notes.push(
      `epochs ${sibling.epoch} and ${epoch} both go on from epoch ${previous.epoch}: ${cause}`,
    )
  }
  return notes.slice(0, maxNotes)
}
