/** What the journal uses of hypercore 11 and corestore 7, which ship no types. */

declare module 'hypercore' {
  import type { EventEmitter } from 'node:events'

  /** Merkle tree as it stands now, detached from later appends. */
  export interface TreeBatch {
    readonly length: number
    hash(): Buffer
  }

  export interface TreeNode {
    readonly index: number
    /** Bytes of the blocks below it. */
    readonly size: number
    readonly hash: Buffer
  }

  export interface RemotePeer {
    /** Blocks from 0 on that the remote is known to have. */
    readonly remoteContiguousLength: number
  }

  export interface DownloadRange {
    destroy(): void
  }

  /** Where the store keeps a core. */
  export interface CorePointer {
    readonly corePointer: number
    readonly dataPointer: number
  }

  export interface Hypercore extends EventEmitter {
    readonly key: Buffer
    readonly discoveryKey: Buffer
    readonly length: number
    readonly contiguousLength: number
    readonly byteLength: number
    readonly fork: number
    readonly writable: boolean
    readonly closing: unknown
    readonly opened: boolean
    /** Not 0 after the store dropped a damaged write-ahead log. */
    readonly recovering: number
    readonly peers: RemotePeer[]
    readonly state: {
      readonly length: number
      readonly fork: number
      readonly signature: Buffer | null
      hash(): Buffer
      createTreeBatch(): TreeBatch
      readonly storage: {
        readonly core: CorePointer
        /** Reads that go out together with `tryFlush`. */
        read(): { getTreeNode(index: number): Promise<TreeNode | null>; tryFlush(): void }
      }
    }
    /** Null before `ready`. */
    readonly core: {
      /** `frozen`: two histories of it were met; nothing of it is replicated any more, ever. */
      readonly header: { readonly frozen: boolean }
      /** Null until the first block, with the manifest, has arrived. */
      readonly verifier: { verify(tree: TreeBatch, signature: Buffer | null): boolean } | null
      /** Which blocks are stored here. */
      readonly bitfield: {
        get(index: number): boolean
        /** -1 when there is none. */
        findFirst(value: boolean, from: number): number
      }
      /** Of the lock: held while a received upgrade is checked and stored. Not of its public face. */
      readonly replicator: { readonly _rxLock: { lock(): Promise<void>; unlock(): void } }
    } | null
    ready(): Promise<void>
    /** Null until the first block, with the manifest, has arrived. */
    getManifest(options: { raw: true }): Buffer | null
    /** Hash of the Merkle tree at a length that is stored here. */
    treeHash(length?: number): Promise<Buffer>
    append(blocks: Uint8Array[]): Promise<{ length: number; byteLength: number }>
    /** With `wait: false`: null when the block is not stored here. */
    get(index: number, options: { wait: false }): Promise<Buffer | null>
    download(range: { start: number; end: number; linear?: boolean }): DownloadRange
    /** Deletes blocks, but not what proves the others. */
    clear(start: number, end: number): Promise<unknown>
    close(): Promise<void>
  }

  const constructor: unknown
  export { constructor as default }
}

declare module 'hypercore/lib/verifier.js' {
  export interface Manifest {
    readonly version: number
    readonly quorum: number
    readonly allowPatch: boolean
    readonly signers: readonly unknown[]
    readonly prologue: unknown
  }

  /** A tree, as far as a signature is concerned. */
  export interface SignedTree {
    readonly length: number
    hash(): Buffer
    /** What is signed. */
    signable(manifestHash: Buffer): Buffer
  }

  export default class Verifier {
    constructor(key: Buffer, manifest: Manifest, options: { compat: false })
    verify(tree: SignedTree, signature: Buffer): boolean
    static decodeManifest(bytes: Buffer): Manifest
    static isValidManifest(key: Buffer, manifest: Manifest): boolean
  }
}

declare module 'hypercore/lib/caps.js' {
  const caps: {
    treeSignable(manifestHash: Buffer, treeHash: Buffer, length: number, fork: number): Buffer
  }
  export default caps
}

declare module 'hypercore-storage' {
  export default class CorestoreStorage {
    constructor(dir: string, options: { writeBufferSize: number })
    close(): Promise<void>
  }
}

declare module 'corestore' {
  import type { Duplex } from 'node:stream'
  import type { CorePointer, Hypercore } from 'hypercore'
  import type CorestoreStorage from 'hypercore-storage'

  export default class Corestore {
    /** `readOnly` takes no lock and asks not whether the directory is a copy. */
    constructor(dir: string | CorestoreStorage, options?: { readOnly: true })
    readonly storage: { deleteCore(at: CorePointer): Promise<void> }
    ready(): Promise<void>
    get(options: { name: string } | { key: Buffer; allowFork?: boolean }): Hypercore
    /**
     * A stream that offers what hypercore expects of a Noise stream, or whether a new one of its own
     * initiates; then the raw side of that.
     */
    replicate(stream: boolean | Duplex): Duplex
    close(): Promise<void>
  }
}

declare module 'hypercore-crypto' {
  interface TreeNode {
    index: number
    size: number
    hash: Buffer
  }
  const crypto: {
    data(block: Uint8Array): Buffer
    parent(left: TreeNode, right: TreeNode): Buffer
    tree(roots: TreeNode[]): Buffer
  }
  export default crypto
}
