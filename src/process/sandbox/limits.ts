/** What a sandbox may use of the machine, and who it is there. Pure but for `ownLimits`. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import type { SandboxLimits } from '../types.ts'

export type Limits = Required<SandboxLimits>

const GIB = 1024 ** 3
/** The kernel ends these before the agent when memory runs out, -1000 to 1000. */
export const OOM_SCORE = 700
/**
 * Memory that one process may ask for, as a multiple of what all may use and bytes beside: much of it is
 * never touched, and V8 alone asks for half a gigabyte for code.
 */
const DATA_FACTOR = 2
const DATA_BESIDE = 2 * GIB

/** Memory of the machine or, within a container, of that, bytes. */
export function machineMemory(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem()
}

export function fullLimits(given: SandboxLimits = {}, memory = machineMemory()): Limits {
  return {
    memoryBytes: given.memoryBytes ?? Math.floor(memory / 2),
    processes: given.processes ?? 2_048,
    diskBytes: given.diskBytes ?? 10 * GIB,
    openFiles: given.openFiles ?? 4_096,
  }
}

/** Hard limits of a process, by the names of prlimit(1); what is not limited is absent. */
export type HardLimits = Partial<Record<'nofile' | 'nproc' | 'fsize' | 'data', number>>

const ROWS: Record<keyof HardLimits, string> = {
  nofile: 'Max open files',
  nproc: 'Max processes',
  fsize: 'Max file size',
  data: 'Max data size',
}

/** From the text of /proc/self/limits. */
export function parseHardLimits(text: string): HardLimits {
  const found: HardLimits = {}
  for (const [name, title] of Object.entries(ROWS) as [keyof HardLimits, string][]) {
    const line = text.split('\n').find((one) => one.startsWith(title))
    const hard = /^(?:\d+|unlimited)\s+(\d+)/.exec(line?.slice(title.length).trim() ?? '')?.[1]
    if (hard !== undefined) found[name] = Number(hard)
  }
  return found
}

export function ownLimits(): HardLimits {
  try {
    return parseHardLimits(readFileSync('/proc/self/limits', 'latin1'))
  } catch {
    return {}
  }
}

/** Limits of one process; never above what this process may have itself. */
export function processLimits(limits: Limits, hard: HardLimits): Required<HardLimits> {
  const least = (name: keyof HardLimits, wanted: number) => Math.min(wanted, hard[name] ?? Infinity)
  return {
    nofile: least('nofile', limits.openFiles),
    nproc: least('nproc', limits.processes),
    fsize: least('fsize', limits.diskBytes),
    data: least('data', limits.memoryBytes * DATA_FACTOR + DATA_BESIDE),
  }
}

/**
 * 60578 to 60705 belong to nobody (systemd's list of user ids, "unused"). One task keeps the same, two
 * rarely share one, and none is of somebody else.
 */
const FIRST_UID = 60_578
const UIDS = 128

/** User of a sandbox that root starts, by the first directory that it may write. */
export function sandboxUser(directory: string): number {
  return FIRST_UID + ((createHash('sha256').update(directory).digest()[0] ?? 0) % UIDS)
}

/** `passwd` and `group` for these users, which the system does not know: programs ask who they are. */
export function sandboxAccounts(): { passwd: string; group: string } {
  const uids = Array.from({ length: UIDS }, (_, index) => FIRST_UID + index)
  const line = (fields: readonly (string | number)[]) => `${fields.join(':')}\n`
  const known = ['root:x:0:0:root:/root:/usr/sbin/nologin\n', 'root:x:0:\n'] as const
  return {
    passwd:
      known[0] + uids.map((uid) => line(['bzzz', 'x', uid, uid, '', '/tmp', '/bin/sh'])).join(''),
    group: known[1] + uids.map((uid) => line(['bzzz', 'x', uid, ''])).join(''),
  }
}
