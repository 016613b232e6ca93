/**
 * A journal's signed Merkle tree in pieces, from left to right: blocks that are wanted, and for what
 * lies between them the hash of the largest subtrees that cover it. Whoever adds the pieces up
 * (`merkle.ts`) gets the tree's hash, and knows with the signature over it that every block given is
 * the one that was signed, at its place; also of blocks that are not kept here any more.
 */
import crypto from 'hypercore-crypto'
import type { Hypercore } from 'hypercore'
import { JournalError } from '../errors.ts'
import { maxDepth, nodeIndex } from './merkle.ts'

export type Piece =
  | { is: 'block'; seq: number; block: Buffer }
  /** `isMissing`: a wanted block that is not here; its hash is, or is 0. */
  | { is: 'subtree'; depth: number; size: number; hash: Buffer; isMissing: boolean }

export interface PiecesInit {
  core: Hypercore
  /** Entries that the signature covers. */
  length: number
  /** Seqs in rising order, all before `length`. */
  wanted: AsyncIterable<number> | Iterable<number>
  /** Lengths at which the tree's hash is to be known too: no subtree spans them. Rising. */
  borders?: readonly number[]
}

const missing = { is: 'subtree', depth: 0, isMissing: true } as const
const nothing = { size: 0, hash: Buffer.alloc(32) }

/** Blocks that are read at once. */
const pageSize = 64

/** Errors: `JOURNAL_FAILED` when a hash is missing that is needed. */
export async function* pieces({
  core,
  length,
  wanted,
  borders = [],
}: PiecesInit): AsyncGenerator<Piece> {
  let at = 0
  let page: number[] = []
  async function* flush(): AsyncGenerator<Piece> {
    const blocks = await Promise.all(page.map((seq) => core.get(seq, { wait: false })))
    for (const [i, seq] of page.entries()) {
      yield* subtrees(core, at, seq, borders)
      const block = blocks[i] ?? null
      if (block !== null) yield { is: 'block', seq, block }
      else yield { ...((await nodeOf(core, 0, seq)) ?? nothing), ...missing }
      at = seq + 1
    }
    page = []
  }
  for await (const seq of wanted) {
    page.push(seq)
    if (page.length === pageSize) yield* flush()
  }
  yield* flush()
  yield* subtrees(core, at, length, borders)
}

/** Largest subtrees that cover the entries from `from` to before `to`. */
async function* subtrees(
  core: Hypercore,
  from: number,
  to: number,
  borders: readonly number[],
): AsyncGenerator<Piece> {
  let at = from
  while (at < to) {
    const border = borders.find((length) => length > at) ?? to
    yield* whole(core, largest(at, Math.min(to, border)), at)
    at += 2 ** largest(at, Math.min(to, border))
  }
}

/** Depth of the largest subtree that begins at `at` and ends at `to` at the latest. */
function largest(at: number, to: number): number {
  let depth = 0
  while (depth < maxDepth && at % 2 ** (depth + 1) === 0 && at + 2 ** (depth + 1) <= to) depth += 1
  return depth
}

/** The subtree, or its parts where its own hash is not stored. */
async function* whole(core: Hypercore, depth: number, from: number): AsyncGenerator<Piece> {
  const node = depth === 0 ? undefined : await nodeOf(core, depth, from)
  if (node !== undefined) {
    yield { is: 'subtree', depth, size: node.size, hash: node.hash, isMissing: false }
  } else if (depth === 0) yield await subtree(core, 0, from)
  else {
    yield* whole(core, depth - 1, from)
    yield* whole(core, depth - 1, from + 2 ** (depth - 1))
  }
}

async function subtree(core: Hypercore, depth: number, from: number) {
  const node = (await nodeOf(core, depth, from)) ?? (await leafOf(core, from))
  if (node === undefined) {
    throw new JournalError('JOURNAL_FAILED', `Entry ${from} and its hash are missing.`, {
      data: { seq: from, key: core.key.toString('hex') },
      next: 'Wait until the journal has been replicated, or ask an agent that has all of it.',
    })
  }
  const { size, hash } = node
  return { is: 'subtree' as const, depth, size, hash, isMissing: false }
}

async function nodeOf(core: Hypercore, depth: number, from: number) {
  const read = core.state.storage.read()
  const node = read.getTreeNode(nodeIndex(depth, from))
  read.tryFlush()
  return (await node) ?? undefined
}

async function leafOf(core: Hypercore, seq: number) {
  const block = await core.get(seq, { wait: false })
  return block === null ? undefined : { size: block.byteLength, hash: crypto.data(block) }
}
