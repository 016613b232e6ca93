/** Whether what is used is too much, and how much may be used before it is counted again. Pure. */
import type { ExceededLimit } from '../../types.ts'
import type { Limits } from '../limits.ts'
import type { Room } from './usage.ts'

/** Part of the processes at which it is a fork bomb: the kernel refuses the last ones. */
const BOMB = 0.95
/** Memory that must stay for the agent and the system, bytes and part of all. */
const LEAST_MEMORY_BYTES = 128 * 1024 * 1024
const LEAST_MEMORY_PART = 0.03
/** Part of its memory that a child must use to be the one that ends when little is left. */
const CULPRIT = 0.25
/** New files after which it is a flood, whatever their size. */
export const MAX_NEW_FILES = 2_000_000
/** Free bytes below which a child that wrote a tenth of what it may is ended. */
const LEAST_FREE_BYTES = 512 * 1024 * 1024
const TENTH = 0.1
/** Part of the limit that is written between two counts at least: each stops the child. */
const LEAST_CREDIT = 1 / 64

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

export interface Disk {
  first: Room
  now: Room
  /** What was added below its directories, with what has no name, bytes. */
  grown: number
  /** Some of its processes cannot be looked into, so files without a name are not in `grown`. */
  blind: boolean
}

/** A child that cannot be looked into ends when half of the free space is gone, whoever took it. */
export function exceedsDisk({ first, now, grown, blind }: Disk, limits: Limits): boolean {
  if (grown > limits.diskBytes) return true
  if (first.freeFiles - now.freeFiles > MAX_NEW_FILES && grown > 0) return true
  const shrunk = first.freeBytes - now.freeBytes
  if (blind && shrunk > limits.diskBytes && now.freeBytes < first.freeBytes / 2) return true
  const most = blind ? Math.max(grown, shrunk) : grown
  return now.freeBytes < LEAST_FREE_BYTES && most > limits.diskBytes * TENTH
}

/**
 * Bytes that a child may write before it is counted again: with less it cannot have exceeded its limit,
 * but for the little that makes counting worth while.
 */
export function creditOf(grown: number, freeBytes: number, limits: Limits): number {
  const untilLimit = limits.diskBytes - Math.max(0, grown)
  const untilFloor = Math.max(freeBytes - LEAST_FREE_BYTES, limits.diskBytes * TENTH)
  return Math.max(limits.diskBytes * LEAST_CREDIT, Math.min(untilLimit, untilFloor))
}
