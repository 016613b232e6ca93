/**
 * The key of the agent's API: a file of the home that only its user can read, new for each start. The
 * socket's mode alone would not do: in a Landlock sandbox files are out of reach, sockets of the same
 * user are not.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasCode } from '../util/index.ts'

const KEY_BYTES = 32
/** More than any key in text. */
const MAX_TEXT_BYTES = 128

/** `home`: as `realHome` gives it. */
const keyPath = (home: string) => join(home, 'run', 'api.key')

/** Makes a new one; who holds the home's lock may. Errors: those of the file system. */
export async function makeApiKey(home: string): Promise<string> {
  const path = keyPath(home)
  const key = randomBytes(KEY_BYTES).toString('base64url')
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await removeApiKey(home)
  await writeFile(path, key, { mode: 0o600, flag: 'wx' })
  return key
}

export const removeApiKey = (home: string): Promise<void> => rm(keyPath(home), { force: true })

/** Undefined where there is none, or this user may not read it; the agent then says so. */
export async function readApiKey(home: string): Promise<string | undefined> {
  try {
    const file = await open(keyPath(home), 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_TEXT_BYTES))
      return buffer.subarray(0, bytesRead).toString('utf8').trim()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].some((code) => hasCode(error, code))) return undefined
    throw error
  }
}
