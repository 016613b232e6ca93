/**
 * Whether a journal goes on from the one that its first entry names: same peer, an earlier epoch, at
 * least so long, and, where the link says so, with that tree hash at that length.
 */
import type { PreviousJournal } from '../entries.ts'

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
