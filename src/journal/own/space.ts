/**
 * Room on the disk. A file of a few MiB stands in reserve: when the disk is full it is removed, so that
 * the store can be opened anew and the last entries of running work be written. It is real bytes, as
 * a hole would free nothing; on a file system that compresses it helps little.
 */
import { open, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { explain, type Logger } from '../../util/index.ts'

/** The reserve is made only where so many times its size is free. */
const roomFactor = 4
const chunkBytes = 256 * 1024
const reserveFile = 'reserve'

export interface Space {
  /** Bytes that this user may still write; Infinity where the system does not say. */
  free(): Promise<number>
  /** Makes the reserve unless it is there, or space is short. Never rejects. */
  reserve(): Promise<void>
  /** Removes it; true when there was one. */
  release(): Promise<boolean>
}

export function createSpace(
  { dir, reserveBytes }: { dir: string; reserveBytes: number },
  {
    logger,
    freeBytes = bytesFree,
  }: {
    logger: Logger
    freeBytes?: ((dir: string) => Promise<number>) | undefined
  },
): Space {
  const path = join(dir, reserveFile)

  async function make(): Promise<void> {
    const known = await stat(path).catch(() => undefined)
    if (known?.size === reserveBytes) return
    if ((await freeBytes(dir)) < roomFactor * reserveBytes) return
    const draft = `${path}.new`
    try {
      const file = await open(draft, 'w', 0o600)
      try {
        // Not zeros, which some file systems do not store.
        const chunk = Buffer.alloc(chunkBytes, 'bzzz')
        for (let at = 0; at < reserveBytes; at += chunkBytes) {
          await file.write(chunk, 0, Math.min(chunkBytes, reserveBytes - at))
        }
        await file.datasync()
      } finally {
        await file.close()
      }
      await rename(draft, path)
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
  }

  return {
    free: () => freeBytes(dir),
    async reserve() {
      if (reserveBytes === 0) return
      await make().catch((error: unknown) =>
        logger.warn({ error: explain(error) }, 'no space is held in reserve'),
      )
    },
    release: () => giveUpReserve(dir),
  }
}

/**
 * Gives up what the journal in `dir` holds back, so that a start on a full disk has room for its lock.
 * True when there was something. Not while an agent runs there.
 */
export async function giveUpReserve(dir: string): Promise<boolean> {
  const path = join(dir, reserveFile)
  const known = await stat(path).catch(() => undefined)
  await rm(path, { force: true })
  return known !== undefined
}

async function bytesFree(dir: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(dir)
    return bavail * bsize
  } catch {
    return Infinity
  }
}
