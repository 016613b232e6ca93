/**
 * Directories of tools that a killed agent left in the temporary directory, of whichever home. A socket
 * that refuses has nobody behind it; one that answers, is slow, or is another user's is left alone.
 */
import { lstat, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { hasCode } from '../../util/index.ts'

export const TOOLS_PREFIX = 'bzzz-tools-'
export const TOOLS_SOCKET = 'task.sock'

/** Looked at in one sweep; the rest is for the next start. */
const MAX_SWEPT = 500
/** Younger ones without a socket may be about to get it, ms. */
const EMPTY_MS = 60 * 60_000
/** For a socket to answer, ms. */
const ANSWER_MS = 1_000

/** How many were removed. Never rejects: what cannot be looked at stays. */
export async function sweepTools(
  parent: string,
  { signal, nowMs }: { signal: AbortSignal; nowMs: number },
): Promise<number> {
  const names = await readdir(parent).catch(() => [])
  let removed = 0
  for (const name of names.filter((one) => one.startsWith(TOOLS_PREFIX)).slice(0, MAX_SWEPT)) {
    if (signal.aborted) break
    const path = join(parent, name)
    try {
      if (!(await isLeft(path, nowMs))) continue
      await rm(path, { recursive: true, force: true })
      removed += 1
    } catch {
      // Gone meanwhile, or not ours to remove.
    }
  }
  return removed
}

async function isLeft(path: string, nowMs: number): Promise<boolean> {
  const entry = await lstat(path)
  if (!entry.isDirectory() || entry.uid !== userInfo().uid) return false
  const names = await readdir(path)
  if (names.length === 0) return nowMs - entry.mtimeMs > EMPTY_MS
  return names.every((name) => name === TOOLS_SOCKET) && (await refuses(join(path, TOOLS_SOCKET)))
}

function refuses(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(socket)
    const end = (refused: boolean) => {
      client.destroy()
      resolve(refused)
    }
    client.setTimeout(ANSWER_MS, () => end(false))
    client.once('connect', () => end(false))
    client.once('error', (error) => end(hasCode(error, 'ECONNREFUSED')))
  })
}
