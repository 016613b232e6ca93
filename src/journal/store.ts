/**
 * The corestore of this process: one for own and followed journals, since only one corestore on a
 * stream can answer for keys that it has not announced. It locks its directory against others.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import { storageError } from './errors.ts'

/** Below `JournalInit.dir`. */
export const storeDirectory = (dir: string) => join(dir, 'store')
export const databaseDirectory = (dir: string) => join(storeDirectory(dir), 'db')

/** Errors: `JOURNAL_IN_USE`, `JOURNAL_COPIED`, `JOURNAL_FULL`, `JOURNAL_FAILED`. */
export async function openStore(dir: string): Promise<Corestore> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const store = new Corestore(storeDirectory(dir))
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
