/**
 * Reading what is here, and going on with what comes. Journals are entered where their indexes say
 * that the first match may be, and what cannot match is passed over. Nothing is queued for a reader: a tail keeps
 * one cursor per journal and reads on from there when something changed and the reader asks, so a
 * slow reader costs no memory and misses nothing.
 */
import { chunkEntries, chunkFilter } from './chunk.ts'
import { Cursor, merge } from './merge.ts'
import { orderOf } from './order.ts'
import type { Source } from '../replica/source.ts'
import type { LoggedEntry, Query } from '../types.ts'

export interface ReaderComponents {
  /** All journals known now. */
  sources: () => Iterable<Source>
  changes: Changes
  maxReadAhead: number
  /** Where what was read of a journal may not be what is there now, since the branch was replaced. */
  rewound: (source: Source) => number | undefined
}

/** Counts changes and wakes those who wait for the next. */
export class Changes {
  #version = 0
  #closed = false
  readonly #waiting = new Set<() => void>()

  get version(): number {
    return this.#version
  }

  get closed(): boolean {
    return this.#closed
  }

  notify(): void {
    this.#version += 1
    for (const wake of this.#waiting) wake()
  }

  /** Ends every wait, now and later. */
  close(): void {
    this.#closed = true
    this.notify()
  }

  /** Resolves when the version is not `seen`, or on close, or when the signal fires. */
  async wait(seen: number, signal: AbortSignal): Promise<void> {
    if (this.#version !== seen || this.#closed || signal.aborted) return
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}

/** Entries that `Query.last` may ask for. */
export const maxLast = 100_000

export async function* read(
  query: Query,
  components: ReaderComponents,
): AsyncGenerator<LoggedEntry> {
  yield* round(new Map(), await startOf(query, components), query, components)
}

export async function* tail(
  query: Query,
  signal: AbortSignal,
  components: ReaderComponents,
): AsyncGenerator<LoggedEntry> {
  const cursors = new Map<string, Cursor>()
  let from = await startOf(query, components)
  while (!signal.aborted && !components.changes.closed) {
    const seen = components.changes.version
    for await (const entry of round(cursors, from, query, components)) {
      yield entry
      if (signal.aborted) return
    }
    // A journal that comes later is shown whole.
    from = 0
    await components.changes.wait(seen, signal)
  }
}

/** Yields what became readable since the cursors' last round; adds cursors for new journals. */
async function* round(
  cursors: Map<string, Cursor>,
  from: number,
  query: Query,
  { sources, changes, maxReadAhead, rewound }: ReaderComponents,
): AsyncGenerator<LoggedEntry> {
  try {
    for (const source of sources()) {
      const length = source.readable
      if (length === 0 || !isOf(source, query.agent)) continue
      let cursor = cursors.get(source.key)
      if (cursor === undefined) {
        const filter = chunkFilter(query)
        if (filter !== undefined || from > 0) await source.index.grow(length)
        const start = from > 0 ? entranceOf(source, from) : { seq: 0, order: 0 }
        const matching = (entry: LoggedEntry) =>
          matches(entry, query) && (from === 0 || orderOf(entry) >= from)
        cursor = new Cursor(source, { ...start, filter, matches: matching })
        cursors.set(source.key, cursor)
      } else if (cursor.source !== source) cursor.rebind(source, rewound(source))
      cursor.extend(length)
    }
    yield* merge(cursors.values(), maxReadAhead)
  } catch (error) {
    if (!changes.closed) throw error
  }
}

/** Chunk in which the first entry with at least that order stands. */
function entranceOf({ index }: Source, order: number): { seq: number; order: number } {
  let low = 0
  let high = index.covered / chunkEntries
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((index.chunk(middle)?.order ?? 0) >= order) high = middle
    else low = middle + 1
  }
  return { seq: low * chunkEntries, order: index.chunk(low - 1)?.order ?? 0 }
}

/** Order from which on `query.last` entries match; 0 when all are to be read. Reads journals backwards. */
async function startOf(query: Query, { sources, changes }: ReaderComponents): Promise<number> {
  if (query.last === undefined) return 0
  const wanted = Math.max(1, Math.min(maxLast, query.last))
  let found: number[] = []
  let least = 0
  const keep = () => {
    found = found.sort((a, b) => b - a).slice(0, wanted)
    if (found.length === wanted) least = found.at(-1) ?? 0
  }
  const filter = chunkFilter(query)
  try {
    for (const source of sources()) {
      const length = source.readable
      if (length === 0 || !isOf(source, query.agent)) continue
      const { index } = source
      await index.grow(length)
      for (let at = Math.floor((length - 1) / chunkEntries); at >= 0; at -= 1) {
        const chunk = index.chunk(at)
        if (chunk !== undefined && chunk.order < least) break
        if (chunk !== undefined && filter?.(chunk) === false) continue
        const page = await source.entries(
          source.keptFrom(at * chunkEntries),
          Math.min(length, (at + 1) * chunkEntries),
        )
        for (const entry of page) {
          if (entry !== undefined && matches(entry, query)) found.push(orderOf(entry))
        }
        keep()
      }
    }
  } catch (error) {
    if (!changes.closed) throw error
  }
  return least
}

/** `agent`: name or peer id; undefined matches all. */
export function isOf(source: Source, agent: string | undefined): boolean {
  return agent === undefined || source.peerId === agent || source.name === agent
}

export function matches(entry: LoggedEntry, { task, types, since, until }: Query): boolean {
  if (since !== undefined && entry.time < since) return false
  if (until !== undefined && entry.time > until) return false
  if (types !== undefined && !types.some((type) => type === entry.type)) return false
  if (task === undefined) return true
  if (!('task' in entry)) return false
  if (entry.task.issue !== task.issue) return false
  return task.repo === undefined || entry.task.repo.toLowerCase() === task.repo.toLowerCase()
}
