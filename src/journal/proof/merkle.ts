/**
 * The Merkle tree of a hypercore, built anew from its blocks, to compare with the signed one. Flat
 * in-order tree: block i is node 2i; the roots of n blocks are one perfect subtree per bit of n.
 * The hash functions are hypercore's own.
 */
import crypto from 'hypercore-crypto'

interface Node {
  index: number
  /** Bytes of the blocks below it. */
  size: number
  hash: Buffer
}

/** A journal has fewer than 2^40 entries. */
export const maxDepth = 39

/** Number of the node over 2^depth blocks of which `from` is the first. */
export function nodeIndex(depth: number, from: number): number {
  const blocks = 2 ** depth
  return (2 * (from / blocks) + 1) * blocks - 1
}

export class MerkleTree {
  /** Roots from left to right, with the number of blocks below each. */
  readonly #roots: { node: Node; blocks: number }[] = []
  #length = 0

  /** Blocks in order from 0. */
  append(block: Uint8Array): void {
    const leaf = { index: 2 * this.#length, size: block.byteLength, hash: crypto.data(block) }
    this.#add(leaf, 1)
  }

  #add(node: Node, blocks: number): void {
    this.#roots.push({ node, blocks })
    this.#length += blocks
    for (;;) {
      const right = this.#roots.at(-1)
      const left = this.#roots.at(-2)
      if (left === undefined || right === undefined || left.blocks !== right.blocks) return
      this.#roots.splice(-2, 2, {
        node: {
          index: (left.node.index + right.node.index) / 2,
          size: left.node.size + right.node.size,
          hash: crypto.parent(left.node, right.node),
        },
        blocks: 2 * left.blocks,
      })
    }
  }

  /** Entries so far. */
  get length(): number {
    return this.#length
  }

  /** Whether a subtree over 2^depth blocks may come next. */
  fits(depth: number): boolean {
    return depth >= 0 && depth <= maxDepth && this.#length % 2 ** depth === 0
  }

  /** A subtree over the next 2^depth blocks in place of these blocks. `fits` must hold. */
  appendSubtree(depth: number, { size, hash }: { size: number; hash: Buffer }): void {
    const blocks = 2 ** depth
    this.#add({ index: nodeIndex(depth, this.#length), size, hash }, blocks)
  }

  /** Hash over the roots: what the journal's key signs. */
  hash(): Buffer {
    return crypto.tree(this.#roots.map(({ node }) => node))
  }
}
