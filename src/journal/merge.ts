/**
 * Many journals as one sequence: a k-way merge over cursors, each of which holds one page of decoded
 * entries. Memory is bounded by the pages, whatever the journals' lengths.
 *
 * The order is (time, agent, peer id, epoch, seq), where `time` of an entry is the latest time of its
 * journal up to there: a journal's own order always stands, also when its clock was set back.
 */
import type { Source } from './source.ts'
import type { LoggedEntry } from './types.ts'

export class Cursor {
  source: Source
  /** Next entry to read from the store; those in the page come first. */
  #seq: number
  #limit: number
  #latest: number
  #page: LoggedEntry[] = []
  #at = 0

  /** `latest`: latest time of the entries before `seq`. */
  constructor(source: Source, { seq, latest }: { seq: number; latest: number }) {
    this.source = source
    this.#seq = seq
    this.#limit = seq
    this.#latest = latest
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
    return this.#page[this.#at]
  }

  /** The head's place in the order of times. */
  get time(): number {
    return Math.max(this.#latest, this.head?.time ?? 0)
  }

  /** Makes sure that `head` is the next entry, if there is one before the limit. */
  async fill(pageSize: number): Promise<void> {
    while (this.head === undefined && this.#seq < this.#limit) {
      const to = Math.min(this.#limit, this.#seq + pageSize)
      const page = await Promise.all(
        Array.from({ length: to - this.#seq }, (_, i) => this.source.entry(this.#seq + i)),
      )
      if (this.source.closed) return
      this.#seq = to
      this.#page = page.filter((entry) => entry !== undefined)
      this.#at = 0
    }
  }

  /** Passes the head. */
  advance(): void {
    this.#latest = this.time
    this.#at += 1
  }
}

/** Yields what the cursors have up to their limits; they can be extended and merged again after. */
export async function* merge(
  cursors: Iterable<Cursor>,
  maxReadAhead: number,
): AsyncGenerator<LoggedEntry> {
  const all = [...cursors]
  const pageSize = Math.max(1, Math.min(64, Math.floor(maxReadAhead / Math.max(1, all.length))))
  const heap: Cursor[] = []
  for (const cursor of all) {
    await cursor.fill(pageSize)
    if (cursor.head !== undefined) push(heap, cursor)
  }
  for (let first = heap[0]; first !== undefined; first = heap[0]) {
    const entry = first.head
    if (entry === undefined) return
    first.advance()
    await first.fill(pageSize)
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
    (a.time - b.time ||
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
