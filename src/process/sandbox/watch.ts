/**
 * Looks twice a second at what a child and its descendants use, and says when it is too much. What the
 * kernel limits per process (limits.ts) holds at once; this is for all of them together.
 *
 * The disk is counted rarely, since counting reads every directory: when the file system's free space
 * has shrunk, and else at a pace that keeps it below a tenth of the time.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { listProcesses } from '../proc-fs.ts'
import type { ExceededLimit } from '../types.ts'
import { exceedsDisk, exceedsMachine, isTight, shouldCount } from './exceeds.ts'
import { machineMemory, type Limits } from './limits.ts'
import {
  availableMemory,
  bytesBelow,
  familyOf,
  memoryAndThreads,
  namelessBytes,
  roomOf,
  type Room,
} from './usage.ts'

const LOOK_MS = 500
/** Between two counts of the disk, ms, at least; and as a multiple of what one takes. */
const COUNT_MS = 5_000
const COUNT_FACTOR = 10

export interface WatchInit {
  pid: number
  limits: Limits
  /** Directories that it may write. */
  write: readonly string[]
  onExceeded: (limit: ExceededLimit) => void
}

/** Returns what ends the watching. Nothing is said afterwards, and never more than once. */
export function watchUse({ pid, limits, write, onExceeded }: WatchInit): () => void {
  const stopping = new AbortController()
  const { signal } = stopping
  const [first] = write

  async function watch(): Promise<void> {
    const disk = first === undefined ? undefined : diskWatch(first, write, limits)
    while (!signal.aborted) {
      const rows = await listProcesses()
      const pids = familyOf(rows, pid).map((row) => row.pid)
      if (pids.length === 0) return
      const exceeded = lookAtMachine(pids, limits) ?? ((await disk?.(pids)) ? 'disk' : undefined)
      if (signal.aborted) return
      if (exceeded !== undefined) return onExceeded(exceeded)
      await delay(LOOK_MS, undefined, { signal, ref: false })
    }
  }
  // Its only rejection is the end of the delay.
  watch().catch(() => undefined)
  return () => stopping.abort()
}

function lookAtMachine(pids: readonly number[], limits: Limits): ExceededLimit | undefined {
  const use = {
    ...memoryAndThreads(pids),
    availableMemory: availableMemory(),
    machineMemory: machineMemory(),
  }
  return exceedsMachine({ ...use, namelessBytes: isTight(use) ? namelessBytes(pids) : 0 }, limits)
}

/** Says whether the disk use is too much. */
function diskWatch(at: string, write: readonly string[], limits: Limits) {
  let start: { room: Room; bytes: number } | undefined
  let counted = 0
  let next = 0
  return async (pids: readonly number[]): Promise<boolean> => {
    const now = await roomOf(at)
    if (now === undefined) return false
    const began = performance.now()
    const due = start === undefined || shouldCount(start.room, now, counted, limits)
    if (!due && began < next) return false
    const below = await bytesBelow(write)
    if (below === undefined) return false
    const after = below + namelessBytes(pids)
    start ??= { room: now, bytes: after }
    counted = after - start.bytes
    next = began + Math.max(COUNT_MS, COUNT_FACTOR * (performance.now() - began))
    return exceedsDisk({ first: start.room, now, before: start.bytes, after }, limits)
  }
}
