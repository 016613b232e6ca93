/**
 * Makes what the store has written durable: fdatasync of RocksDB's write-ahead log.
 *
 * RocksDB hands every write to the operating system before it answers, so an answered append
 * survives the process; it does not sync, so a power loss may take it. The native binding offers no
 * sync, and flushing the memtable would write a whole table file. So the log files themselves are
 * synced: `*.log` in the store's `db` directory. They are listed at each sync, because RocksDB begins
 * a new one when it wants to: every log that is not known to be complete and synced is synced, and
 * the directory when a log is new. A log that is gone was merged into a table file, which RocksDB
 * syncs before it deletes the log.
 *
 * Group commit: callers that come while a sync runs share the next one, since only a sync that
 * begins after their append covers it. A failed sync is final, as the kernel may drop the
 * dirty pages and let the next sync succeed without them.
 */
import { open, readdir, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

export interface Durability {
  /** Resolves when everything written before the call is on disk. Rejects for ever after one failure. */
  sync(): Promise<void>
  /** Syncs that were done. */
  readonly count: number
  /** Waits for a running sync, then lets go of the files. */
  close(): Promise<void>
}

/** `dir`: RocksDB's directory. `syncFile` is for tests that count or fail. */
export function createDurability(
  dir: string,
  syncFile: (file: FileHandle) => Promise<void> = (file) => file.datasync(),
): Durability {
  const logs = new Map<string, FileHandle>()
  /** Logs with a number up to this one are complete and synced. */
  let sealed = -1
  let count = 0
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  async function syncLogs(): Promise<void> {
    const names = (await readdir(dir))
      .filter((name) => /^\d+\.log$/.test(name) && Number.parseInt(name, 10) > sealed)
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    let isNew = false
    for (const name of names) {
      const known = logs.get(name)
      const file = known ?? (await openLog(join(dir, name)))
      if (file === undefined) continue
      if (known === undefined) {
        logs.set(name, file)
        isNew = true
      }
      await syncFile(file)
    }
    if (isNew) await syncDirectory(dir)
    const current = names.at(-1)
    for (const [name, file] of logs) {
      if (name === current) continue
      logs.delete(name)
      sealed = Math.max(sealed, Number.parseInt(name, 10))
      await file.close()
    }
    count += 1
  }

  /** Starts a sync when the running one is done; a failure is kept for all that follow. */
  async function turn(after: Promise<void> | undefined): Promise<void> {
    await after
    running = next
    next = undefined
    await syncLogs()
  }

  return {
    get count() {
      return count
    },
    sync() {
      if (next === undefined) {
        next = turn(running)
        running ??= next
      }
      return next
    },
    async close() {
      await (next ?? running)?.catch(() => undefined)
      for (const file of logs.values()) await file.close()
      logs.clear()
    },
  }
}

/** Undefined when the log was merged and deleted since it was listed. */
async function openLog(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Makes new names in a directory durable. Windows has no such call and needs none. */
export async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
