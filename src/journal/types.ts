/** What the journal offers, and the little that it needs from its siblings. */
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Clock, Logger, Startable } from '../util/index.ts'
import type { BundleQuery, KeptOfOthers, Verification } from './proof/check-types.ts'
import type { EntryInput, EntryType, JournalEntry, UnknownEntry } from './entries.ts'

/** A question to a peer about the asker's own journals. `at`: the tree hash at that length. */
export interface WitnessRequest {
  v: 1
  at?: { key: string; length: number } | undefined
}

/** What a peer knows of them: the longest head of each journal, the latest epochs first. */
export interface WitnessAnswer {
  v: 1
  heads: Head[]
  treeHash?: string | undefined
}

export type * from './proof/check-types.ts'

/** The mesh, as far as the journal needs it. */
export interface JournalTransport {
  readonly peerId: string
  sign(data: Uint8Array): Promise<Uint8Array>
  handleJournal(handler: (stream: Duplex, peerId: string) => void): () => void
  openJournal(
    peerId: string,
    options?: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<Duplex>
  /** Without these two, no peer is asked, and none is answered. `from` is authenticated. */
  askWitness?(
    peerId: string,
    request: WitnessRequest,
    options?: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<WitnessAnswer>
  handleWitness?(
    handler: (request: WitnessRequest, from: string) => Promise<WitnessAnswer>,
  ): () => void
}

/** Checks an Ed25519 signature by a peer id's key. */
export type VerifySignature = (
  peerId: string,
  data: Uint8Array,
  signature: Uint8Array,
) => Promise<boolean>

export interface JournalInit {
  /** Directory of this agent's journals; made if missing. One process at a time. */
  dir: string
  agent: {
    name: string
    version: string
    /** Random per process start, hex. */
    incarnation: string
  }
  /**
   * Whose journals are kept here beside the own: nobody's, those of agents that work at the same
   * (`follow` says so), or all. Default `all`.
   */
  replicate?: 'own' | 'followed' | 'all'
  limits?: Partial<JournalLimits>
}

export interface JournalComponents {
  transport: JournalTransport
  verify: VerifySignature
  logger: Logger
  /** Stamps the entries and paces the redials. Default: the system's. */
  clock?: Clock
  /**
   * Peers that are awaited as witnesses at the start, besides those that were connected when this
   * journal ran last, which it remembers itself. Default: none.
   */
  expected?: () => readonly string[]
  /** Bytes that are free where the directory is. Default: the file system's answer. */
  freeBytes?: (dir: string) => Promise<number>
}

/** Named bounds; the defaults stand in `limits.ts`. */
export interface JournalLimits {
  /** Appends that may wait; more are refused with `JOURNAL_BUSY`. */
  maxWaitingAppends: number
  /** Entries that one write to the store may hold. */
  maxBatch: number
  /** Journals of others that are kept here. */
  maxJournals: number
  /** Journals (epochs) of one peer that are kept here. */
  maxJournalsPerPeer: number
  /** Bytes that others' journals may take here; the oldest entries go first (`budget.ts`). */
  budgetBytes: number
  /** From growth to the look whether the budget is kept, ms. */
  budgetEveryMs: number
  /** Bytes of one peer's journal that are downloaded. */
  maxReplicaBytes: number
  /** Replication streams open at once. */
  maxStreams: number
  /** A stream without a sign of life for so long is closed, ms. The other side sends one every 5 s. */
  streamIdleMs: number
  /** Until a replication stream is open, ms. */
  openTimeoutMs: number
  /** First and longest pause before a peer is dialled again, ms. */
  redialMs: number
  maxRedialMs: number
  /** Dials in a row that may fail; `connect` begins anew. */
  maxRedials: number
  /** How long `stop` waits for connected peers to receive the last entries, ms. */
  drainMs: number
  /** Deadline of `stop`, ms. */
  stopMs: number
  /** Blocks that a `read` holds in memory at once, over all journals. */
  maxReadAhead: number
  /** How long a start waits for witnesses, ms. */
  witnessGraceMs: number
  /** Deadline of one question to a witness, ms. */
  askMs: number
  /** How long an append waits for the journal to be writable, ms. */
  appendWaitMs: number
  /** Heads of journals that are remembered for their owners. */
  maxHeads: number
  /** File that is given up when the disk is full, so that the last entries find room, bytes. */
  reserveBytes: number
  /** With less free space nothing new should be begun, bytes. */
  lowBytes: number
  /** Pause between looks at the free space, ms. */
  spaceCheckMs: number
}

export interface Head {
  key: string
  epoch: number
  length: number
  fork: number
  treeHash?: string | undefined
  /** By the journal's key over tree hash, length and fork, hex. */
  signature?: string | undefined
}

/**
 * Whether the own journal can be written.
 *
 *   stopped ─→ opening ─→ waiting ─→ open ⇄ low
 *                 ▲  └────────────────┘ │    │
 *                 ├──(history longer elsewhere: next epoch)
 *                 └──(space again)── full ◀──┘        failed: until the next start
 */
export type JournalState =
  | { is: 'stopped' }
  | { is: 'opening' }
  /** For witnesses. `answered` of those `expected`. Appends wait. */
  | { is: 'waiting'; expected: number; answered: number }
  | { is: 'open' }
  /** Written, but space is short: begin nothing new. */
  | { is: 'low'; freeBytes: number }
  /** No space: appends are refused until there is. */
  | { is: 'full'; freeBytes: number }
  | { is: 'failed'; code: string; reason: string }

/** One agent's journal as known here; `own` marks the one written here. */
export interface JournalInfo {
  /** Name of the agent, from its entries or capabilities. */
  agent: string
  peerId: string
  key: string
  epoch: number
  /** Entries that are known to exist; `available` of them are stored here. */
  length: number
  available: number
  /** Of the available ones, those that were dropped here for want of space: from entry 2 on. */
  dropped: number
  own: boolean
  /**
   * `proven`: the first entry carries the peer's signature over the key. `unknown`: no entry has
   * arrived yet. `refused`: the proof is wrong; none of its entries is attributed to the peer.
   */
  identity: 'unknown' | 'proven' | 'refused'
  /** What is wrong with it, for people; empty when nothing is. At most 20. */
  problems: string[]
}

export type LoggedEntry = (JournalEntry | UnknownEntry) & {
  /** Name and peer id of the agent whose journal holds it. */
  agent: string
  peerId: string
  /** Of `peer.seen` and `peer.lost`: id of the peer that it is about. */
  peer?: string
}

export interface Query {
  /** Agent name or peer id. */
  agent?: string
  task?: { repo?: string; issue: number }
  types?: readonly EntryType[]
  /** Wall-clock ms since 1970, of the author's clock. */
  since?: number
  until?: number
  /** Only the last so many entries that match, at most 100,000. */
  last?: number
}

export interface JournalEvents {
  /** The state, or the epoch that is written, changed. */
  state: [state: JournalState]
  /** An entry of any journal (own or replicated) that became readable, in order per journal. */
  entry: [entry: LoggedEntry]
}

export interface Journal extends Startable {
  readonly events: EventEmitter<JournalEvents>
  /** Own head; after start. With the signature, which makes it worth something to others. */
  head(): Head
  /** Own Merkle tree hash, hex, at a length of at least 1 and at most the own. */
  treeHashAt(length: number): Promise<string>
  state(): JournalState
  /** Resolves when entries are written (`open` or `low`). Errors: `ABORTED`, `JOURNAL_CLOSED`, and why it failed. */
  opened(signal?: AbortSignal): Promise<void>
  /**
   * Appends one entry. With `durable` (the default for `claim.*`, `publish.*`, `pushed`, `pull.*`,
   * `task.*`) it is on disk (fdatasync) when the promise resolves; else it survives kill -9 but perhaps
   * not a power loss. `seq` of the result is the entry's index. While the journal waits for witnesses,
   * or is opened anew, appends wait for it, at most `appendWaitMs`. An append whose promise rejects
   * with `JOURNAL_FULL`, `JOURNAL_WAITING` or `JOURNAL_FAILED` may or may not stand there. Full is over when there is
   * space again; failed is until the next start.
   * Errors: `ENTRY_INVALID`, `ENTRY_TOO_LARGE`, `JOURNAL_BUSY`, `JOURNAL_CLOSED`, `JOURNAL_WAITING`,
   * `JOURNAL_FULL`, `JOURNAL_FAILED`.
   */
  append(entry: EntryInput, options?: { durable?: boolean }): Promise<JournalEntry>
  /**
   * Begins to replicate a peer's journal, and goes on whenever anyone who has it is connected, also
   * after a restart. Idempotent; a later call may bring a new name. What cannot be followed (a bad
   * key, too many journals) is logged and left.
   */
  follow(journal: {
    peerId: string
    key: string
    epoch: number
    name?: string
    /** As the owner announced it; remembered for it. */
    head?: Head | undefined
    /** Its owner works at what this agent works at; default true. */
    related?: boolean
  }): void
  /**
   * A peer connected: opens a replication stream to it unless there is one. Of two peers the one
   * with the lower id dials; the other waits for it, so call this on both sides.
   */
  connect(peerId: string): void
  /** A peer announced just now that its clock shows that time, ms since 1970; see `order.ts`. */
  heard(peerNowMs: number): void
  /** A peer is gone: closes its stream and ends its redials. Optional: redials also end by themselves. */
  disconnect(peerId: string): void
  journals(): JournalInfo[]
  /**
   * Entries of all journals known here in causal order (`order.ts`; ties: agent, seq): none before
   * one that its author had read, whatever the clocks say; what exists now. Within one journal the
   * order is always that of `seq`. Only what the index does not exclude is read.
   */
  read(query?: Query): AsyncIterable<LoggedEntry>
  /**
   * Like `read`, then goes on with new entries until the signal fires, without gap or duplicate,
   * however slow the reader is: entries are read from the store when they are asked for. What arrives
   * after an entry that knew it was printed comes late: only `read` can put it in its place.
   */
  tail(query: Query, signal: AbortSignal): AsyncIterable<LoggedEntry>
  /**
   * What the journals here hold, with proofs, as lines of a file that `readBundle` checks without
   * this journal (`bundle.ts`). Errors while it is read: `JOURNAL_FAILED`.
   */
  bundle(query?: BundleQuery): AsyncIterable<object>
  /** Others' journals here; none while the store is not open. */
  kept(): KeptOfOthers
  /** Where the epochs of this identity are no chain, as far as known here, for people; at most 8. */
  branches(): readonly string[]
  /** Checks every journal here, or those of one agent (name or peer id), from the first block on. */
  verify(agent?: string): Promise<Verification[]>
}
