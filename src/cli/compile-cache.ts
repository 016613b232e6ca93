/**
 * The directory in which Node keeps compiled code for `bzzz` (`bin.mjs`). Node adds a file for each
 * module of each place that Bzzz ever ran from and each Node that ran it, and never removes one. When
 * there are too many, all go; the next start compiles anew what it needs.
 */
import { opendir, rm } from 'node:fs/promises'
import { getCompileCacheDir } from 'node:module'
import { basename, dirname } from 'node:path'

/** An agent with all commands loads some 2,000; a few versions of it fit. */
export const MAX_CACHE_FILES = 20_000

/**
 * True when it was emptied. One that was named otherwise, by NODE_COMPILE_CACHE, belongs to others, too,
 * and stays. Errors: those of the file system.
 */
export async function emptyLargeCache({
  inUse = getCompileCacheDir(),
  maxFiles = MAX_CACHE_FILES,
}: { inUse?: string | undefined; maxFiles?: number } = {}): Promise<boolean> {
  if (inUse === undefined) return false
  // Node makes a directory of its own version below the one that it is given.
  const all = dirname(inUse)
  if (basename(all) !== 'compile' || basename(dirname(all)) !== 'bzzz') return false
  let count = 0
  for await (const { isFile } of entriesOf(all)) {
    if (isFile) count += 1
    if (count <= maxFiles) continue
    await rm(all, { recursive: true, force: true })
    return true
  }
  return false
}

async function* entriesOf(dir: string): AsyncGenerator<{ isFile: boolean }> {
  for await (const entry of await opendir(dir, { recursive: true }))
    yield { isFile: entry.isFile() }
}
