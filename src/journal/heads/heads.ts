/**
 * Heads: how long a journal is, and what its Merkle tree hashes to there, signed by the journal's key.
 * Peers keep the longest they know of each journal, and give it back to its owner, who so finds out
 * that its own copy was set back. Only signed heads count: nobody else can make one up.
 */
import type { Hypercore, TreeBatch } from 'hypercore'
import type { Head } from '../types.ts'

/** As it stands now; after `ready`. An empty journal has neither hash nor signature. */
export function headOf(core: Hypercore, epoch: number): Head {
  const { length, fork } = core.state
  const key = core.key.toString('hex')
  const signature = core.state.signature?.toString('hex')
  if (length === 0 || signature === undefined) return { key, epoch, length: 0, fork }
  return { key, epoch, length, fork, treeHash: core.state.hash().toString('hex'), signature }
}

/** How a head that a peer knows stands to the own journal. */
export type Standing =
  /** It is a beginning of ours, or all of it. */
  | 'agrees'
  /** Ours is too short; whether it begins the other is not known yet. */
  | 'longer'
  /** Two histories of one key. */
  | 'different'
  /** Its signature is not the key's, or it has none. */
  | 'unproven'

/** Rejects when the own store cannot be read. `core`: of the head's key, not empty. */
export async function standingOf(core: Hypercore, head: Head): Promise<Standing> {
  if (head.length === 0) return 'agrees'
  if (!isSigned(core, head)) return 'unproven'
  if (head.fork !== core.fork) return 'different'
  if (head.length > core.length) return 'longer'
  const own = (await core.treeHash(head.length)).toString('hex')
  return own === head.treeHash ? 'agrees' : 'different'
}

function isSigned(core: Hypercore, { length, fork, treeHash, signature }: Head): boolean {
  const verifier = core.core?.verifier
  if (verifier === null || verifier === undefined) return false
  if (treeHash === undefined || signature === undefined) return false
  const hash = Buffer.from(treeHash, 'hex')
  const tree: TreeBatch = core.state.createTreeBatch()
  Object.assign(tree, { length, fork, hash: () => hash })
  try {
    return verifier.verify(tree, Buffer.from(signature, 'hex'))
  } catch {
    return false
  }
}
