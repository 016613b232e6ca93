/**
 * Files of the home that are replaced as a whole: old or new after a crash, never half. The new
 * content is written under a temporary name, synced, and renamed (or linked, when the file must not
 * exist yet) into place.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { decodeJson, encodeJson, hasCode } from '../util/index.ts'

/** Undefined when there is no such file. Errors: `TOO_LARGE`, `INVALID` and those of the file system. */
export async function readJsonFile<S extends z.ZodType>(
  path: string,
  options: { what: string; schema: S; maxBytes: number },
): Promise<z.infer<S> | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  return decodeJson(bytes, options)
}

/** Mode 0600; on disk when it resolves. Errors: those of the file system. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  const draft = temporaryName(path)
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(encodeJson(value))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  syncDirectory(dirname(path))
}

/** Creates `path` (0600) with `text`; false when it exists. On disk when it returns. */
export function createTextFile(path: string, text: string): boolean {
  const temporary = temporaryName(path)
  try {
    writeText(temporary, text)
    linkSync(temporary, path)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    rmSync(temporary, { force: true })
  }
  syncDirectory(dirname(path))
  return true
}

export function temporaryName(path: string): string {
  return `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
}

/** Creates `path` (0600), synced. */
export function writeText(path: string, text: string): void {
  const fd = openSync(path, 'wx', 0o600)
  try {
    fchmodSync(fd, 0o600)
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

export function syncDirectory(dir: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(dir, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** A key file's text and mode, read at once so that nobody swaps it between; `open`: others may read it. Undefined: no such file. */
export function readSecretFile(
  path: string,
  maxBytes: number,
): { text: string; mode: number; open: boolean } | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  try {
    const mode = fstatSync(fd).mode & 0o777
    const bytes = Buffer.alloc(maxBytes)
    const text = bytes.subarray(0, readSync(fd, bytes)).toString('latin1')
    return { text, mode, open: process.platform !== 'win32' && (mode & 0o077) !== 0 }
  } finally {
    closeSync(fd)
  }
}
