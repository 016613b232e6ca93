/** Small JSON files that are replaced as a whole: old or new after a crash, never half. */
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { decodeJson, encodeJson } from '../util/index.ts'
import { syncDirectory } from './own/durable.ts'

/** Undefined when the file does not exist. Errors: `TOO_LARGE`, `INVALID` and those of the file system. */
export async function readJsonFile<S extends z.ZodType>(
  path: string,
  options: { what: string; schema: S; maxBytes: number },
): Promise<z.infer<S> | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return decodeJson(bytes, options)
}

/** Durable when it resolves. One caller at a time per path. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  const draft = `${path}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(encodeJson(value))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  await syncDirectory(dirname(path))
}
