/**
 * Small JSON files in the home that only save time: what is lost or damaged is made anew, so
 * reading gives nothing rather than an error. Written whole or not at all, for this user only.
 */
import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { decodeJson, explain, hasCode, type Logger } from '../util/index.ts'

export interface HomeFile<T> {
  /** Undefined when there is none, or nothing that can be used. */
  read(): Promise<T | undefined>
  write(value: T): Promise<void>
}

/** Neither reading nor writing rejects: what goes wrong is logged. */
export function homeFile<S extends z.ZodType>(
  { home, name, schema, maxBytes }: { home: string; name: string; schema: S; maxBytes: number },
  { logger }: { logger: Logger },
): HomeFile<z.infer<S>> {
  const path = join(home, name)
  return {
    async read() {
      try {
        return decodeJson(await readFile(path), { what: name, schema, maxBytes })
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) {
          logger.warn({ path, error: explain(error) }, 'this file cannot be used and is made anew')
        }
        return undefined
      }
    },
    async write(value) {
      const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
      try {
        const file = await open(temporary, 'wx', 0o600)
        try {
          await file.writeFile(`${JSON.stringify(value, undefined, 2)}\n`)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(temporary, path)
      } catch (error) {
        logger.warn({ path, error: explain(error) }, 'this file could not be written')
        await rm(temporary, { force: true }).catch(() => undefined)
      }
    },
  }
}
