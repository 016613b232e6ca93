/**
 * Looks often and cheaply whether a child may have written more than its credit, and stops it in place
 * then: what it really holds is counted while it stands still (`disk.ts`). Two signs of what is written
 * are taken, the larger counts:
 *
 * - what its processes have handed to disks, by the kernel's account of each (/proc/PID/io), which other
 *   programs do not disturb, but a process that is new or cannot be looked into is not in it;
 * - by how much free space has shrunk from one look to the next. What others write is in it, which only makes for a
 *   count too many; what others free can hide something within one look only.
 *
 * It runs in a thread of its own (`thread.ts`), since the agent's may be busy.
 */
import { MAX_NEW_FILES } from './exceeds.ts'
import type { Room } from './usage.ts'

/** Of one child: the account of more is not read. */
export const MAX_PROCESSES = 64
/** New files after which they are counted. */
const FILES_STEP = MAX_NEW_FILES / 8

export interface Place {
  id: number
  /** First process of the child. */
  pid: number
  /** On the file system that is watched. */
  at: string
  /** Bytes that it may write before it is stopped. */
  credit: number
  /** What stops it; sent to the first process alone when that one does it for all. */
  stop: { signal: NodeJS.Signals; alone: boolean }
}

export interface Lookout {
  add(place: Place): void
  /** Its processes as somebody has seen them. */
  know(id: number, pids: readonly number[]): void
  /** From now on it may write this many bytes. Once it was stopped it is not looked at before. */
  arm(id: number, credit: number): void
  /** Looks a last time; whether it may have written more than its credit. */
  remove(id: number): boolean
  /** One look at all. */
  look(): void
}

export interface LookoutComponents {
  roomOf: (path: string) => Room | undefined
  /** Bytes that a process has written; undefined when that cannot be read. */
  writtenBy: (pid: number) => number | undefined
  stop: (place: Place) => void
  /** It was stopped. */
  onStopped: (id: number) => void
}

interface Watched extends Place {
  pids: readonly number[]
  room: Room | undefined
  /** By each process, as last seen. */
  seen: Map<number, number>
  written: number
  shrunk: number
  files: number
}

export function createLookout(components: LookoutComponents): Lookout {
  const { roomOf, writtenBy, stop, onStopped } = components
  const all = new Map<number, Watched>()

  function take(one: Watched): void {
    const room = roomOf(one.at)
    if (room !== undefined && one.room !== undefined) {
      one.shrunk += Math.max(0, one.room.freeBytes - room.freeBytes)
      one.files += Math.max(0, one.room.freeFiles - room.freeFiles)
    }
    one.room = room ?? one.room
    for (const pid of one.pids) {
      const bytes = writtenBy(pid)
      if (bytes === undefined) continue
      one.written += Math.max(0, bytes - (one.seen.get(pid) ?? 0))
      one.seen.set(pid, bytes)
    }
  }

  const isOver = ({ credit, written, shrunk, files }: Watched) =>
    Math.max(written, shrunk) >= credit || files >= FILES_STEP

  return {
    add(place) {
      const counts = { written: 0, shrunk: 0, files: 0, seen: new Map<number, number>() }
      all.set(place.id, { ...place, pids: [place.pid], room: roomOf(place.at), ...counts })
    },
    know(id, pids) {
      const one = all.get(id)
      if (one === undefined) return
      one.pids = pids.slice(0, MAX_PROCESSES)
      one.seen = new Map(one.pids.map((pid) => [pid, one.seen.get(pid) ?? 0]))
    },
    arm(id, credit) {
      const one = all.get(id)
      if (one === undefined) return
      take(one)
      Object.assign(one, { credit, written: 0, shrunk: 0, files: 0 })
    },
    remove(id) {
      const one = all.get(id)
      all.delete(id)
      if (one === undefined) return false
      take(one)
      return isOver(one)
    },
    look() {
      for (const one of all.values()) {
        if (one.credit === Infinity) continue
        take(one)
        if (!isOver(one)) continue
        one.credit = Infinity
        stop(one)
        onStopped(one.id)
      }
    },
  }
}
