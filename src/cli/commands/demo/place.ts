/**
 * Where a demo keeps everything: a directory that was named and stays, or a temporary one that
 * goes with the demo. A temporary one holds a lock with process id and start time, so that the
 * next demo can remove what a killed one left; a directory without that lock, of another user, or
 * in which a process still lives is never touched.
 */
import { lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { acquireHomeLock } from '../../../api/index.ts'
import { homeOwner } from '../../../api/client.ts'

const prefix = 'bzzz-demo-'
const lockName = 'agent.lock'
/** Directories that one start looks at: what is beyond waits for the next. */
const maxSwept = 64

export interface DemoPlace {
  dir: string
  /** Stays when the demo ends. */
  kept: boolean
  /** Removes it, unless it is kept. */
  leave(): Promise<void>
}

/** `named`: an absolute path. `parent`: for tests; default the system's temporary directory. */
export async function createPlace(
  { named, keep }: { named?: string | undefined; keep: boolean },
  parent = tmpdir(),
): Promise<DemoPlace> {
  if (named !== undefined || keep) {
    const dir = named ?? (await mkdtemp(join(parent, prefix)))
    await mkdir(dir, { recursive: true, mode: 0o700 })
    return { dir, kept: true, leave: () => Promise.resolve() }
  }
  await sweepPlaces(parent)
  const dir = await mkdtemp(join(parent, prefix))
  await acquireHomeLock(dir)
  return { dir, kept: false, leave: () => remove(dir) }
}

/** Removes temporary directories of demos whose process has gone; gives how many. */
export async function sweepPlaces(parent = tmpdir()): Promise<number> {
  const names = await readdir(parent).catch(() => [])
  let swept = 0
  for (const name of names.filter((one) => one.startsWith(prefix)).slice(0, maxSwept)) {
    const dir = join(parent, name)
    // What cannot be looked at or removed is left to whoever can; it hinders nothing.
    const gone = await isLeftOver(dir).catch(() => false)
    if (!gone) continue
    const removed = await remove(dir).then(
      () => true,
      () => false,
    )
    if (removed) swept += 1
  }
  return swept
}

async function isLeftOver(dir: string): Promise<boolean> {
  if (!(await isOwn(dir, 'directory')) || !(await isOwn(join(dir, lockName), 'file'))) return false
  // Agents of a killed demo hand their work back before they end.
  const inside = await readdir(dir, { withFileTypes: true })
  const homes = inside.filter((entry) => entry.isDirectory()).map(({ name }) => join(dir, name))
  const owners = await Promise.all([dir, ...homes].map(homeOwner))
  return owners.every((owner) => owner === undefined)
}

async function isOwn(path: string, kind: 'directory' | 'file'): Promise<boolean> {
  const entry = await lstat(path)
  const fits = kind === 'directory' ? entry.isDirectory() : entry.isFile()
  return fits && (process.getuid === undefined || entry.uid === process.getuid())
}

const remove = (dir: string) => rm(dir, { recursive: true, force: true, maxRetries: 3 })
