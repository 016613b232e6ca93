/**
 * The corestore of this process: one for own and followed journals, since only one corestore on a
 * stream can answer for keys that it has not announced. It locks its directory against others.
 *
 * A store that was copied is never written: hypercore's device file tells. It is put aside and read
 * as if it were a peer (`adopt.ts`), while a new one begins beside it.
 */
import { mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import CorestoreStorage from 'hypercore-storage'
import { hasCode } from '../../util/index.ts'
import { storageError } from '../errors.ts'
import { syncDirectory } from './durable.ts'

/** Below `JournalInit.dir`. */
export const storeDirectory = (dir: string) => join(dir, 'store')
export const databaseDirectory = (dir: string) => join(storeDirectory(dir), 'db')

/**
 * What the database gathers in memory before it writes a file, bytes; of two column families, and as
 * much again while it writes. Its default of 64 MiB fills slowly, over days, and its log is made that
 * large on disk from the start.
 */
export const WRITE_BUFFER_BYTES = 8 * 1024 * 1024

const asidePrefix = 'copied-'

/** Errors: `JOURNAL_IN_USE`, `JOURNAL_COPIED`, `JOURNAL_FULL`, `JOURNAL_FAILED`. */
export async function openStore(dir: string): Promise<Corestore> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const store = new Corestore(
      new CorestoreStorage(storeDirectory(dir), { writeBufferSize: WRITE_BUFFER_BYTES }),
    )
    try {
      await store.ready()
    } catch (error) {
      await store.close().catch(() => undefined)
      throw error
    }
    return store
  } catch (error) {
    throw storageError(error, dir)
  }
}

/** As `openStore`, but a copied store is put aside. `copied`: it was, just now. Errors: as `openStore`, without `JOURNAL_COPIED`. */
export async function openOwnStore(dir: string): Promise<{ store: Corestore; copied: boolean }> {
  try {
    return { store: await openStore(dir), copied: false }
  } catch (error) {
    if (!hasCode(error, 'JOURNAL_COPIED')) throw error
  }
  await rename(storeDirectory(dir), join(dir, `${asidePrefix}${Date.now()}`))
  await syncDirectory(dir)
  return { store: await openStore(dir), copied: true }
}

/** Stores that were put aside and not read to the end yet. */
export async function storesAside(dir: string): Promise<string[]> {
  const names = await readdir(dir)
  return names.filter((name) => name.startsWith(asidePrefix)).map((name) => join(dir, name))
}

/** Opens a store for reading only, without a lock. Errors: those of the store. */
export async function openReadOnly(path: string): Promise<Corestore> {
  const store = new Corestore(path, { readOnly: true })
  try {
    await store.ready()
    return store
  } catch (error) {
    await store.close().catch(() => undefined)
    throw error
  }
}
