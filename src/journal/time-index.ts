/**
 * Finds where in a journal a time begins, without trusting that times rise. Clocks are set back, so
 * an entry may be older than the one before it, and a plain binary search could then miss entries.
 * The running maximum of the times does rise; it is remembered for every chunk of entries (8 bytes
 * per 512), and searched. All entries before the found chunk are older than the time asked for.
 *
 * The index is built when it is first asked for, by reading the journal once, and grows with it.
 */
const chunkEntries = 512

export interface TimeIndex {
  /**
   * First entry that may be at or after `since`, and the latest time before it (0 at the start).
   * `length`: entries that are readable now.
   */
  find(since: number, length: number): Promise<{ seq: number; latest: number }>
}

/** `timesOf` gives the times of the entries from `from` to before `to` that decode. */
export function createTimeIndex(
  timesOf: (from: number, to: number) => AsyncIterable<number>,
): TimeIndex {
  /** Latest time in the first (i + 1) chunks. */
  const latest: number[] = []
  let growing: Promise<void> = Promise.resolve()

  async function grow(length: number): Promise<void> {
    while ((latest.length + 1) * chunkEntries <= length) {
      const from = latest.length * chunkEntries
      let max = latest.at(-1) ?? 0
      for await (const time of timesOf(from, from + chunkEntries)) max = Math.max(max, time)
      latest.push(max)
    }
  }

  return {
    async find(since, length) {
      const turn = growing.then(() => grow(length))
      growing = turn.catch(() => undefined)
      await turn
      let low = 0
      let high = latest.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((latest[middle] ?? 0) >= since) high = middle
        else low = middle + 1
      }
      return { seq: low * chunkEntries, latest: low === 0 ? 0 : (latest[low - 1] ?? 0) }
    },
  }
}
