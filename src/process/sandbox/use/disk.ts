/**
 * What one child holds of the disk: counted by `du` while it stands still. How much it may write until the next
 * count follows from the last one (`creditOf`), so counts are rare, and none is needed to know that there
 * is room.
 */
import { processRow } from '../../proc-fs.ts'
import type { Limits } from '../limits.ts'
import { creditOf, exceedsDisk } from './exceeds.ts'
import { bytesBelow, namelessBytes, roomOf, writtenBy, type Room } from './usage.ts'

export interface DiskInit {
  /** Directories that it may write; the first names the file system. */
  write: readonly [string, ...string[]]
  limits: Limits
  /** Its processes now. */
  family: () => Promise<readonly number[]>
  /** They are not the ones that write: those are in a container. */
  elsewhere: boolean
}

/** `credit`: bytes until the next count. */
export type Verdict = { over: boolean; credit: number }

/** Begins with what is there before the child writes: make it at its start. */
export function diskOf({ write, limits, family, elsewhere }: DiskInit): {
  count(): Promise<Verdict>
} {
  const first = roomOf(write[0])
  const before = bytesBefore()

  /** While it is counted the child may write already: that much is taken off again. */
  async function bytesBefore(): Promise<number | undefined> {
    const bytes = await bytesBelow(write)
    if (bytes === undefined) return undefined
    const { written, blind } = account(await family())
    const shrunk = shrinkage(first, roomOf(write[0]))
    return Math.max(0, bytes - (blind ? shrunk : Math.min(written, shrunk)))
  }

  /** `blind`: of some process it is not known. */
  function account(pids: readonly number[]): { written: number; blind: boolean } {
    const all = pids.map((pid) => ({ pid, bytes: writtenBy(pid) }))
    const unknown = all.some(({ pid, bytes }) => bytes === undefined && processRow(pid))
    return {
      written: all.reduce((sum, { bytes = 0 }) => sum + bytes, 0),
      blind: elsewhere || unknown,
    }
  }

  return {
    async count() {
      const pids = await family()
      const start = await before
      const below = await bytesBelow(write)
      const now = roomOf(write[0])
      const { written, blind } = account(pids)
      // What cannot be counted is taken for the most that it can be.
      const most = blind ? shrinkage(first, now) : written
      const grown =
        start === undefined || below === undefined ? most : below + namelessBytes(pids) - start
      const rooms = first === undefined || now === undefined ? undefined : { first, now }
      const over =
        rooms === undefined
          ? grown > limits.diskBytes
          : exceedsDisk({ ...rooms, grown, blind }, limits)
      return { over, credit: creditOf(grown, now?.freeBytes ?? Infinity, limits) }
    },
  }
}

const shrinkage = (first: Room | undefined, now: Room | undefined) =>
  first === undefined || now === undefined ? 0 : Math.max(0, first.freeBytes - now.freeBytes)
