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

export class MerkleTree {
  /** Roots from left to right, with the number of blocks below each. */
  readonly #roots: { node: Node; blocks: number }[] = []
  #length = 0

  /** Blocks in order from 0. */
  append(block: Uint8Array): void {
    const leaf = { index: 2 * this.#length, size: block.byteLength, hash: crypto.data(block) }
    this.#roots.push({ node: leaf, blocks: 1 })
    this.#length += 1
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

  /** Hash over the roots: what the journal's key signs. */
  hash(): Buffer {
    return crypto.tree(this.#roots.map(({ node }) => node))
  }
}
