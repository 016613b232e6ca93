/** What the journal uses of hypercore 11 and corestore 7, which ship no types. */

declare module 'hypercore' {
  import type { EventEmitter } from 'node:events'

  /** Merkle tree as it stands now, detached from later appends. */
  export interface TreeBatch {
    readonly length: number
    hash(): Buffer
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
    /** Not 0 after the store dropped a damaged write-ahead log. */
    readonly recovering: number
    readonly peers: RemotePeer[]
    readonly state: {
      readonly length: number
      readonly fork: number
      readonly signature: Buffer | null
      hash(): Buffer
      createTreeBatch(): TreeBatch
      readonly storage: { readonly core: CorePointer }
    }
    /** Null before `ready`. */
    readonly core: {
      /** `frozen`: two histories of it were met; nothing of it is replicated any more, ever. */
      readonly header: { readonly frozen: boolean }
      /** Null until the first block, with the manifest, has arrived. */
      readonly verifier: { verify(tree: TreeBatch, signature: Buffer | null): boolean } | null
      /** Of the lock: held while a received upgrade is checked and stored. Not of its public face. */
      readonly replicator: { readonly _rxLock: { lock(): Promise<void>; unlock(): void } }
    } | null
    ready(): Promise<void>
    /** Hash of the Merkle tree at a length that is stored here. */
    treeHash(length?: number): Promise<Buffer>
    append(blocks: Uint8Array[]): Promise<{ length: number; byteLength: number }>
    /** With `wait: false`: null when the block is not stored here. */
    get(index: number, options: { wait: false }): Promise<Buffer | null>
    download(range: { start: number; end: number; linear?: boolean }): DownloadRange
    close(): Promise<void>
  }

  const constructor: unknown
  export { constructor as default }
}

declare module 'corestore' {
  import type { Duplex } from 'node:stream'
  import type { CorePointer, Hypercore } from 'hypercore'

  /** The raw side of a replication stream; a streamx duplex, close enough to Node's. */
  export interface ReplicationStream extends Duplex {
    readonly noiseStream: { setTimeout(ms: number): void }
  }

  export default class Corestore {
    /** `readOnly` takes no lock and asks not whether the directory is a copy. */
    constructor(dir: string, options?: { readOnly: true })
    readonly storage: { deleteCore(at: CorePointer): Promise<void> }
    ready(): Promise<void>
    get(options: { name: string } | { key: Buffer; allowFork?: boolean }): Hypercore
    replicate(isInitiator: boolean): ReplicationStream
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
