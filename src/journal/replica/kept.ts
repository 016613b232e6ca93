/**
 * Which entries of a journal are stored here: all from 0 on up to the first that is missing, but for
 * those that were dropped for want of space (`budget.ts`), from 2 to before `dropped`.
 */
import type { Hypercore } from 'hypercore'

/**
 * Entries before this one are never dropped. When hypercore 11.37 clears blocks from an odd index on, or
 * from one whose right neighbour is not there, it deletes hashes that prove the others (its test for
 * what lies left of the range is wrong), so it is only told to clear from an even one on whose
 * neighbour is there.
 */
export const droppedFrom = 2

export class KeptEntries {
  readonly #core: Hypercore
  #dropped: number

  constructor(core: Hypercore, dropped: number) {
    this.#core = core
    this.#dropped = dropped
  }

  /** Entries from 2 to before this one were dropped here; 0 when none were. */
  get dropped(): number {
    return this.#dropped
  }

  /** Entries up to which it is stored here, but for those that were dropped. */
  get here(): number {
    const first = this.#core.contiguousLength
    if (first < droppedFrom || first >= this.#dropped) return first
    const bitfield = this.#core.core?.bitfield
    if (bitfield === undefined || !bitfield.get(this.#dropped)) return first
    const end = bitfield.findFirst(false, this.#dropped)
    return end === -1 ? this.#core.length : Math.min(end, this.#core.length)
  }

  /** The first entry from `seq` on that was not dropped. */
  from(seq: number): number {
    return seq >= droppedFrom && seq < this.#dropped ? this.#dropped : seq
  }

  /** Entries from 2 to before `to`, an even number, are not wanted any more. */
  drop(to: number): void {
    this.#dropped = Math.max(this.#dropped, to)
  }

  /** Deletes what is not wanted and still here. */
  async clear(): Promise<void> {
    const bitfield = this.#core.core?.bitfield
    const set = bitfield?.findFirst(true, droppedFrom) ?? -1
    const start = set + (set % 2)
    if (set === -1 || start >= this.#dropped || bitfield?.get(start + 1) !== true) return
    await this.#core.clear(start, this.#dropped)
  }
}
