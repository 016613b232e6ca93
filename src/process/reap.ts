/**
 * Ends groups and everything that carries a mark: TERM, then KILL, again and again until a look
 * finds nothing (a process may fork between the look and the signal), bounded by `REAP_MS`.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { carries, hasProc, listProcesses, markOf, processRow, type ProcessRow } from './proc-fs.ts'

/** Longest time, ms, that one reaping takes after its grace: only the kernel can hold a process longer. */
const REAP_MS = 5_000
const LOOK_MS = 20

export interface Reaping {
  /** Runs "<owner>.<n>", or all of an owner: "<owner>.". */
  marks: readonly string[]
  /** Process groups that are ours. */
  groups: readonly number[]
  /** Known descendants, pid to start: grows with each look, so that an orphan stays known. */
  known?: Map<number, string>
  /** Between TERM and KILL, ms. 0: KILL at once. */
  graceMs: number
  /** Processes that have had their TERM: a second one makes many programs drop what they are doing. */
  warned?: (row: ProcessRow) => boolean
}

/** Sends a signal to a process or, negative, a group; false when there is none. */
export function signalTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

const groupLives = (group: number) =>
  process.platform === 'win32' ? signalTo(group, 0) : signalTo(-group, 0)

/** All running processes that belong to the reaping. */
export async function findRemains({
  marks,
  groups,
  known = new Map(),
}: Reaping): Promise<ProcessRow[]> {
  const rows = await listProcesses()
  const found = new Map<number, ProcessRow>()
  const own = process.pid
  for (const row of rows) {
    if (row.pid === own) continue
    const ours =
      groups.includes(row.group) ||
      groups.includes(row.session) ||
      known.get(row.pid) === row.start ||
      marks.some((mark) => carries(markOf(row.pid), mark))
    if (ours) found.set(row.pid, row)
  }
  for (let grew = true; grew;) {
    grew = false
    for (const row of rows) {
      if (found.has(row.pid) || !found.has(row.ppid) || row.pid === own) continue
      found.set(row.pid, row)
      grew = true
    }
  }
  for (const row of found.values()) known.set(row.pid, row.start)
  return [...found.values()]
}

/** Signals those that are still the very same processes. */
export function strike(rows: ProcessRow[], signal: NodeJS.Signals): void {
  for (const row of rows) {
    if (processRow(row.pid)?.start === row.start) signalTo(row.pid, signal)
  }
}

/** Resolves with how many processes (without /proc: groups) were ended, and whether any remains. */
export async function reap(reaping: Reaping): Promise<{ ended: number; remains: boolean }> {
  const known = reaping.known ?? new Map<number, string>()
  const linux = hasProc()
  const struck = new Set<number>()
  const started = performance.now()
  for (;;) {
    const rows = linux ? await findRemains({ ...reaping, known }) : []
    const groups = linux ? [] : reaping.groups.filter(groupLives)
    if (rows.length === 0 && groups.length === 0) return { ended: struck.size, remains: false }
    const age = performance.now() - started
    if (age > reaping.graceMs + REAP_MS) return { ended: struck.size, remains: true }
    const hard = age >= reaping.graceMs
    const fresh = (pid: number) => hard || !struck.has(pid)
    const rowsToStrike = rows.filter(
      (row) => fresh(row.pid) && (hard || reaping.warned?.(row) !== true),
    )
    strike(rowsToStrike, hard ? 'SIGKILL' : 'SIGTERM')
    for (const group of groups.filter(fresh)) {
      signalTo(process.platform === 'win32' ? group : -group, hard ? 'SIGKILL' : 'SIGTERM')
    }
    for (const pid of [...rows.map((row) => row.pid), ...groups]) struck.add(pid)
    await delay(LOOK_MS)
  }
}
