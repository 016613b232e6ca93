/**
 * Many journals as one sequence: a k-way merge over cursors, each of which holds one page of decoded
 * entries that match. Memory is bounded by the pages, whatever the journals' lengths.
 *
 * The order is (order, agent, peer id, epoch, seq), where `order` of an entry is the latest of its
 * journal up to there: a journal's own order always stands, also when its author lies.
 */
import type { ChunkFilter } from './chunk.ts'
import { orderOf } from './order.ts'
import type { Source } from '../replica/source.ts'
import type { LoggedEntry } from '../types.ts'

/** Entries of one journal that are read at once, at most. */
const maxPage = 256

export interface CursorInit {
  /** First entry that is read, and the latest order before it. */
  seq: number
  order: number
  /** What chunks can answer; undefined when every entry is to be read. */
  filter: ChunkFilter | undefined
  matches: (entry: LoggedEntry) => boolean
}

export class Cursor {
  source: Source
  readonly #filter: ChunkFilter | undefined
  readonly #matches: (entry: LoggedEntry) => boolean
  /** Next entry to read from the store; those in the page come first. */
  #seq: number
  #limit: number
  #order: number
  #page: { entry: LoggedEntry; order: number }[] = []
  #at = 0

  constructor(source: Source, { seq, order, filter, matches }: CursorInit) {
    this.source = source
    this.#seq = seq
    this.#limit = seq
    this.#order = order
    this.#filter = filter
    this.#matches = matches
  }

  /** Lets the cursor go on to before entry `limit`. */
  extend(limit: number): void {
    this.#limit = Math.max(this.#limit, limit)
  }

  /** The store was opened anew: goes on in the same journal there, or from `rewound` on if that is earlier. */
  rebind(source: Source, rewound = Infinity): void {
    this.source = source
    if (rewound >= this.#seq) return
    this.#seq = rewound
    this.#limit = rewound
    this.#page = []
    this.#at = 0
  }

  get head(): LoggedEntry | undefined {
    return this.#page[this.#at]?.entry
  }

  /** The head's place in the order. */
  get order(): number {
    return this.#page[this.#at]?.order ?? 0
  }

  /** Makes sure that `head` is the next entry that matches, if there is one before the limit. */
  async fill(pageSize: number): Promise<void> {
    while (this.head === undefined && this.#skip() < this.#limit) {
      const to = Math.min(this.#limit, this.#seq + pageSize)
      const entries = await this.source.entries(this.#seq, to)
      if (this.source.closed) return
      this.#seq = to
      this.#page = []
      this.#at = 0
      for (const entry of entries) {
        if (entry === undefined) continue
        this.#order = Math.max(this.#order, orderOf(entry))
        if (this.#matches(entry)) this.#page.push({ entry, order: this.#order })
      }
    }
  }

  /** Passes the head. */
  advance(): void {
    this.#at += 1
  }

  /** Passes what the index excludes and what is not kept here. */
  #skip(): number {
    this.#seq = this.source.keptFrom(this.#seq)
    if (this.#filter === undefined || this.#seq >= this.#limit) return this.#seq
    const { seq, order } = this.source.index.next(this.#seq, this.#filter)
    this.#seq = Math.min(seq, this.#limit)
    this.#order = Math.max(this.#order, order)
    return this.#seq
  }
}

/** Yields what the cursors have up to their limits; they can be extended and merged again after. */
export async function* merge(
  cursors: Iterable<Cursor>,
  maxReadAhead: number,
): AsyncGenerator<LoggedEntry> {
  const all = [...cursors]
  const pageSize = Math.max(
    1,
    Math.min(maxPage, Math.floor(maxReadAhead / Math.max(1, all.length))),
  )
  const heap: Cursor[] = []
  for (const cursor of all) {
    await cursor.fill(pageSize)
    if (cursor.head !== undefined) push(heap, cursor)
  }
  for (let first = heap[0]; first !== undefined; first = heap[0]) {
    const entry = first.head
    if (entry === undefined) return
    first.advance()
    if (first.head === undefined) await first.fill(pageSize)
    if (first.head === undefined) {
      const last = heap.pop()
      if (last !== undefined && last !== first) heap[0] = last
    }
    sink(heap)
    yield entry
  }
}

function isBefore(a: Cursor, b: Cursor): boolean {
  return (
    (a.order - b.order ||
      compare(a.source.name, b.source.name) ||
      compare(a.source.peerId, b.source.peerId) ||
      a.source.epoch - b.source.epoch) < 0
  )
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function push(heap: Cursor[], cursor: Cursor): void {
  let at = heap.push(cursor) - 1
  while (at > 0) {
    const parent = (at - 1) >>> 1
    const above = heap[parent]
    if (above === undefined || !isBefore(cursor, above)) break
    heap[at] = above
    heap[parent] = cursor
    at = parent
  }
}

function sink(heap: Cursor[]): void {
  const cursor = heap[0]
  if (cursor === undefined) return
  for (let at = 0; ;) {
    const left = heap[2 * at + 1]
    const right = heap[2 * at + 2]
    if (left === undefined) return
    const isLeft = right === undefined || isBefore(left, right)
    const child = isLeft ? left : right
    if (!isBefore(child, cursor)) return
    heap[at] = child
    at = 2 * at + (isLeft ? 1 : 2)
    heap[at] = cursor
  }
}
