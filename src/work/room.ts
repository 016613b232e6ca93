/** Whether there is a place to work in. */
import { randomBytes } from 'node:crypto'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a workspace may need at the least, bytes. */
const LEAST_ROOM_BYTES = 64 * 1024 * 1024

/** Whether workspaces can be made: the directory is writable and has room for some. */
export async function hasRoom(dir: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(dir)
  if (bavail * bsize < LEAST_ROOM_BYTES) return false
  const file = join(dir, `.room-${randomBytes(8).toString('hex')}`)
  await writeFile(file, 'x')
  await rm(file, { force: true })
  return true
}
