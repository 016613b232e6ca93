/** What keeps the own journal writable, as others see it, and what it needs; see `keeper.ts`. */
import type { Clock } from '../../util/index.ts'
import type { Book } from '../heads/book.ts'
import type { Changes } from '../reading/read.ts'
import type { Source } from '../replica/source.ts'
import type { Session, SessionComponents } from '../session.ts'
import type { Head, JournalState } from '../types.ts'
import type { Writer } from './writer.ts'

export interface KeeperComponents extends Omit<
  SessionComponents,
  'emitted' | 'admit' | 'onConflict' | 'onOther'
> {
  clock: Clock
  book: Book
  writer: Writer
  changes: Changes
  onState: (state: JournalState) => void
}

export interface Keeper {
  /** Resolves when the journal can be read, and is written or waits for witnesses. */
  open(): Promise<void>
  close(): Promise<void>
  readonly state: JournalState
  readonly session: Session | undefined
  head(): Head | undefined
  /** See `Journal.branches`. */
  readonly branches: readonly string[]
  connect(peerId: string): void
  disconnect(peerId: string): void
  /** The writer could not write. */
  failed(cause: unknown): void
  /** See `ReaderComponents`. */
  rewound(source: Source): number | undefined
}
