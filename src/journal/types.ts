/** What the journal offers, and the little that it needs from its siblings. */
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Startable } from '../util/index.ts'
import type { EntryInput, EntryType, JournalEntry, UnknownEntry } from './entries.ts'

/** The mesh, as far as the journal needs it. */
export interface JournalTransport {
  readonly peerId: string
  sign(data: Uint8Array): Promise<Uint8Array>
  handleJournal(handler: (stream: Duplex, peerId: string) => void): () => void
  openJournal(
    peerId: string,
    options?: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<Duplex>
}

/** Checks an Ed25519 signature by a peer id's key. */
export type VerifySignature = (
  peerId: string,
  data: Uint8Array,
  signature: Uint8Array,
) => Promise<boolean>

export interface Head {
  key: string
  epoch: number
  length: number
  fork: number
  treeHash?: string
}

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
  own: boolean
}

export type LoggedEntry = (JournalEntry | UnknownEntry) & {
  /** Name and peer id of the agent whose journal holds it. */
  agent: string
  peerId: string
}

export interface Query {
  /** Agent name or peer id. */
  agent?: string
  task?: { repo?: string; issue: number }
  types?: readonly EntryType[]
  /** Wall-clock ms since 1970. */
  since?: number
}

export interface Verification {
  agent: string
  peerId: string
  key: string
  epoch: number
  length: number
  /** All entries stored here, their Merkle proofs and signatures hold, they decode, seq and epoch fit, and the identity's proof is right. */
  ok: boolean
  /** Empty when ok. */
  problems: string[]
}

export interface JournalEvents {
  /** An entry of any journal (own or replicated) that became readable, in order per journal. */
  entry: [entry: LoggedEntry]
}

export interface Journal extends Startable {
  readonly events: EventEmitter<JournalEvents>
  /** Own head; after start. */
  head(): Head
  /**
   * Appends one entry. With `durable` (the default for `claim.*`, `publish.*`, `pushed`, `pull.*`,
   * `task.*`) it is on disk (fdatasync) when the promise resolves; else it survives kill -9 but perhaps
   * not a power loss. Errors: `ENTRY_INVALID`, `ENTRY_TOO_LARGE`, `JOURNAL_CLOSED`, `JOURNAL_FULL`.
   */
  append(entry: EntryInput, options?: { durable?: boolean }): Promise<JournalEntry>
  /** Begins to replicate a peer's journal, and goes on whenever it is connected. Idempotent. */
  follow(journal: { peerId: string; key: string; epoch: number; name?: string }): void
  /** A peer connected: opens a replication stream to it unless there is one. */
  connect(peerId: string): void
  journals(): JournalInfo[]
  /** Entries in order of time (ties: agent, seq), of all journals known here; what exists now. */
  read(query?: Query): AsyncIterable<LoggedEntry>
  /** Like `read`, then goes on with new entries until the signal fires. */
  tail(query: Query, signal: AbortSignal): AsyncIterable<LoggedEntry>
  verify(agent?: string): Promise<Verification[]>
}
