/** Whether what is used is too much, and whether it is time to count the disk. Pure. */
import type { ExceededLimit } from '../types.ts'
import type { Limits } from './limits.ts'
import type { Room } from './usage.ts'

/** Part of the processes at which it is a fork bomb: the kernel refuses the last ones. */
const BOMB = 0.95
/** Memory that must stay for the agent and the system, bytes and part of all. */
const LEAST_MEMORY_BYTES = 128 * 1024 * 1024
const LEAST_MEMORY_PART = 0.03
/** Part of its memory that a child must use to be the one that ends when little is left. */
const CULPRIT = 0.25
/** New files after which it is a flood, whatever their size. */
const MAX_NEW_FILES = 2_000_000
/** Free bytes below which a child that wrote is looked at again. */
const LEAST_FREE_BYTES = 512 * 1024 * 1024

export interface Use {
  memoryBytes: number
  threads: number
  /** Files without a name, which memory or disk holds. */
  namelessBytes: number
  availableMemory: number
  machineMemory: number
}

/** Whether little memory is left, so that a closer look is worth its price. */
export function isTight({ availableMemory, machineMemory }: Omit<Use, 'namelessBytes'>): boolean {
  return availableMemory < Math.max(LEAST_MEMORY_BYTES, machineMemory * LEAST_MEMORY_PART)
}

export function exceedsMachine(use: Use, limits: Limits): ExceededLimit | undefined {
  if (use.memoryBytes > limits.memoryBytes) return 'memory'
  if (use.threads >= limits.processes * BOMB) return 'processes'
  const all = use.memoryBytes + use.namelessBytes
  if (isTight(use) && all > limits.memoryBytes * CULPRIT) return 'memory'
  return undefined
}

/** Free space and files have shrunk so much that what the child wrote must be counted. */
export function shouldCount(first: Room, now: Room, counted: number, limits: Limits): boolean {
  const shrunk = first.freeBytes - now.freeBytes
  return (
    shrunk - counted > limits.diskBytes / 4 ||
    shrunk > limits.diskBytes ||
    (now.freeBytes < LEAST_FREE_BYTES && shrunk > limits.diskBytes / 10)
  )
}

export interface Disk {
  first: Room
  now: Room
  /** Bytes below its directories, at the start and now, with what has no name. */
  before: number
  after: number
}

export function exceedsDisk({ first, now, before, after }: Disk, limits: Limits): boolean {
  const grown = after - before
  if (grown > limits.diskBytes) return true
  if (first.freeFiles - now.freeFiles > MAX_NEW_FILES && grown > 0) return true
  return now.freeBytes < LEAST_FREE_BYTES && grown > limits.diskBytes / 10
}
