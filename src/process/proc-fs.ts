/**
 * Linux's /proc: who runs, whose child it is, when it started, and which mark it carries. On other
 * systems nothing is found here and only process groups are known.
 *
 * A mark is an environment variable that each child inherits from us and hands on, whatever it
 * does with sessions and groups: `BZZZ_RUN=/<run>/<run of a nested agent>`. A program that empties
 * its environment, leaves its session and is orphaned in one go is not found; the sandbox is
 * there for those who mean it.
 */
import { readFileSync, readdirSync } from 'node:fs'

export const MARK = 'BZZZ_RUN'

export interface ProcessRow {
  pid: number
  ppid: number
  group: number
  session: number
  /** By a signal, or by a debugger. */
  stopped: boolean
  /** Clock ticks since boot: with the pid, the identity of a process. */
  start: string
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    // It ended meanwhile, it is another user's, or there is no /proc.
    return undefined
  }
}

/** undefined: not running (a zombie counts as ended). */
export function processRow(pid: number): ProcessRow | undefined {
  const text = read(`/proc/${pid}/stat`)?.toString('latin1')
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, ppid, group, session] = fields
  const start = fields[19]
  if (state === undefined || start === undefined || state === 'Z' || state === 'X') return undefined
  const stopped = state === 'T' || state === 't'
  return {
    pid,
    ppid: Number(ppid),
    group: Number(group),
    session: Number(session),
    stopped,
    start,
  }
}

/** Changes with each boot, so that a pid and a start of an earlier boot mean nothing; '' when unknown. */
export function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id')?.toString('latin1').trim() ?? ''
}

export const hasProc = (): boolean =>
  process.platform === 'linux' && read('/proc/self/stat') !== undefined

/** Every running process. Yields to the event loop on crowded machines. */
export async function listProcesses(): Promise<ProcessRow[]> {
  if (!hasProc()) return []
  const rows: ProcessRow[] = []
  let looked = 0
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const row = processRow(Number(name))
    if (row !== undefined) rows.push(row)
    looked += 1
    if (looked % 128 === 0) await new Promise(setImmediate)
  }
  return rows
}

/** The same at once, for a thread that nobody waits for; of one family. */
export function familyNow(root: number): ProcessRow[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const rows = pids.flatMap((pid) => processRow(Number(pid)) ?? [])
  return familyOf(rows, root)
}

/** `root` and all that descends from it; in a sandbox nothing can leave the tree. */
export function familyOf(rows: readonly ProcessRow[], root: number): ProcessRow[] {
  const children = new Map<number, ProcessRow[]>()
  for (const row of rows) {
    const beside = children.get(row.ppid)
    if (beside === undefined) children.set(row.ppid, [row])
    else beside.push(row)
  }
  const family = rows.filter((row) => row.pid === root)
  for (const { pid } of family) family.push(...(children.get(pid) ?? []))
  return family
}

/** The mark in a process's environment, '' when it has none or may not be read. */
export function markOf(pid: number): string {
  const environ = read(`/proc/${pid}/environ`)
  const at = environ?.indexOf(`${MARK}=/`) ?? -1
  if (environ === undefined || at < 0 || (at > 0 && environ[at - 1] !== 0)) return ''
  const end = environ.indexOf(0, at)
  return environ.subarray(at + MARK.length + 1, end < 0 ? undefined : end).toString('latin1')
}

/** `mark` belongs to run `id` ("<owner>.<n>") or, when `id` ends in a dot, to that owner. */
export function carries(mark: string, id: string): boolean {
  return mark.split('/').some((part) => part === id || (id.endsWith('.') && part.startsWith(id)))
}
