/** What happens to homes: an earlier state of one is put back, or one is copied. */
import { cp, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tempDir } from './helpers.ts'

const files = ['epoch.json', 'followed.json', 'heads.json']

/** A state of a stopped journal that can be put back as a snapshot of the file system would: unseen. */
export async function snapshot(dir: string): Promise<string> {
  const at = await tempDir()
  await cp(join(dir, 'store', 'db'), join(at, 'db'), { recursive: true })
  for (const name of files) await cp(join(dir, name), join(at, name)).catch(() => undefined)
  return at
}

/** Puts it back: inodes and times of what hypercore and the mark look at stay as they are. */
export async function putBack(dir: string, at: string): Promise<void> {
  const db = join(dir, 'store', 'db')
  for (const name of await readdir(db)) await rm(join(db, name), { recursive: true })
  await cp(join(at, 'db'), db, { recursive: true })
  for (const name of files) {
    await rm(join(dir, name), { force: true })
    await cp(join(at, name), join(dir, name)).catch(() => undefined)
  }
}

/** As `cp -a` to a new place. */
export async function copyHome(dir: string): Promise<string> {
  const to = join(await tempDir(), 'copy')
  await mkdir(to)
  await cp(dir, to, { recursive: true, preserveTimestamps: true })
  return to
}
