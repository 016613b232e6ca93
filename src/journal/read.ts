/**
 * Reading what is here, and going on with what comes. Nothing is queued for a reader: a tail keeps
 * one cursor per journal and reads on from there when something changed and the reader asks, so a
 * slow reader costs no memory and misses nothing.
 */
import { Cursor, merge } from './merge.ts'
import type { Source } from './source.ts'
import type { LoggedEntry, Query } from './types.ts'

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

export async function* read(
  query: Query,
  components: ReaderComponents,
): AsyncGenerator<LoggedEntry> {
  yield* round(new Map(), query, components)
}

export async function* tail(
  query: Query,
  signal: AbortSignal,
  components: ReaderComponents,
): AsyncGenerator<LoggedEntry> {
  const cursors = new Map<string, Cursor>()
  while (!signal.aborted && !components.changes.closed) {
    const seen = components.changes.version
    for await (const entry of round(cursors, query, components)) {
      yield entry
      if (signal.aborted) return
    }
    await components.changes.wait(seen, signal)
  }
}

/** Yields what became readable since the cursors' last round; adds cursors for new journals. */
async function* round(
  cursors: Map<string, Cursor>,
  query: Query,
  { sources, changes, maxReadAhead, rewound }: ReaderComponents,
): AsyncGenerator<LoggedEntry> {
  for (const source of sources()) {
    const length = source.readable
    if (length === 0 || !isOf(source, query.agent)) continue
    let cursor = cursors.get(source.key)
    if (cursor === undefined) {
      const { since } = query
      const start =
        since === undefined ? { seq: 0, latest: 0 } : await source.times.find(since, length)
      cursor = new Cursor(source, start)
      cursors.set(source.key, cursor)
    } else if (cursor.source !== source) cursor.rebind(source, rewound(source))
    cursor.extend(length)
  }
  try {
    for await (const entry of merge(cursors.values(), maxReadAhead)) {
      if (matches(entry, query)) yield entry
    }
  } catch (error) {
    if (!changes.closed) throw error
  }
}

/** `agent`: name or peer id; undefined matches all. */
export function isOf(source: Source, agent: string | undefined): boolean {
  return agent === undefined || source.peerId === agent || source.name === agent
}

export function matches(entry: LoggedEntry, { task, types, since }: Query): boolean {
  if (since !== undefined && entry.time < since) return false
  if (types !== undefined && !types.some((type) => type === entry.type)) return false
  if (task === undefined) return true
  if (!('task' in entry)) return false
  if (entry.task.issue !== task.issue) return false
  return task.repo === undefined || entry.task.repo === task.repo
}
