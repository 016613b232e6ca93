/** How many tasks a machine works at once when that is left to it. Pure. */
import type { Machine } from './machine.ts'

/** What one task takes at its worst: a coding agent, a build, the checks. */
const taskBytes = 2 * 1024 ** 3
const taskCores = 2
/** Kept for everything else, bytes. */
const reservedBytes = 1024 ** 3
const mostSlots = 16
/** Load per processor above which nothing is added. */
const fullLoad = 1.25

export interface Slots {
  total: number
  /** Why nothing is added now; undefined while something may be. */
  full?: string
}

/**
 * `used`: tasks that are worked now; their memory is taken already. One is always worked, else a small
 * machine would never do anything.
 */
export function slotsFor({ cores, load1, memory }: Machine, used: number): Slots {
  const byMemory = Math.floor((memory.total - reservedBytes) / taskBytes)
  const byCores = Math.floor(cores / taskCores)
  const total = Math.max(1, Math.min(mostSlots, byMemory, byCores))
  if (used === 0) return { total }
  if (memory.free < taskBytes)
    return {
      total,
      full: `${gib(memory.free)} of memory are free, a task is given ${gib(taskBytes)}`,
    }
  if (load1 / cores > fullLoad)
    return {
      total,
      full: `the load is ${load1.toFixed(1)} on ${Number(cores.toFixed(1))} processors`,
    }
  return { total }
}

const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`
