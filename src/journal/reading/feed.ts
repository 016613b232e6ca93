/**
 * The `entry` event: every entry of every journal that becomes readable after the start, in the
 * journal's order, once. One loop per journal that has news; it reads page by page, so a catch-up
 * of any length needs little memory.
 */
import type { Source } from '../replica/source.ts'
import type { LoggedEntry } from '../types.ts'

export interface Feed {
  /** Entries before this one are the past and are not emitted. Default 0. */
  begin(source: Source, seq: number): void
  wake(source: Source): void
  /** The first entry that was not emitted yet. */
  at(source: Source): number
  /** Resolves when no loop runs any more. */
  stop(): Promise<void>
}

export function createFeed(
  emit: (entry: LoggedEntry) => void,
  onError: (source: Source, error: unknown) => void,
): Feed {
  const cursors = new Map<Source, number>()
  const running = new Map<Source, Promise<void>>()
  let stopped = false

  async function run(source: Source): Promise<void> {
    for (;;) {
      const seq = cursors.get(source) ?? 0
      if (stopped || seq >= source.readable) return
      const entry = await source.entry(seq)
      cursors.set(source, seq + 1)
      if (entry !== undefined && !stopped) emit(entry)
    }
  }

  const feed: Feed = {
    begin: (source, seq) => void cursors.set(source, seq),
    at: (source) => cursors.get(source) ?? 0,
    wake(source) {
      if (stopped || running.has(source)) return
      const loop = run(source).then(
        () => {
          running.delete(source)
          if ((cursors.get(source) ?? 0) < source.readable) feed.wake(source)
        },
        (error: unknown) => {
          running.delete(source)
          if (!stopped) onError(source, error)
        },
      )
      running.set(source, loop)
    },
    async stop() {
      stopped = true
      await Promise.all(running.values())
    },
  }
  return feed
}
