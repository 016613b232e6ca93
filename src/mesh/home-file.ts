/**
 * Small JSON files in the home that only save time: what is lost or damaged is made anew, so reading
 * gives nothing rather than an error.
 */
import { join } from 'node:path'
import type { z } from 'zod'
import { explain, type Logger } from '../util/index.ts'
import { readJsonFile, writeJsonFile } from './json-file.ts'

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
    read: () =>
      readJsonFile(path, { what: name, schema, maxBytes }).catch((error: unknown) => {
        logger.warn({ path, error: explain(error) }, 'this file cannot be used and is made anew')
        return undefined
      }),
    write: (value) =>
      writeJsonFile(path, value).catch((error: unknown) => {
        logger.warn({ path, error: explain(error) }, 'this file could not be written')
      }),
  }
}
