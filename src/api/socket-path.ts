/**
 * Where the agent's socket is. Server and clients compute it from the home alone, so nothing has
 * to be handed over. It lies in a directory that only the owner may enter.
 *
 * A unix socket address holds about 104 bytes (108 on Linux), and both kernels cut or refuse
 * longer ones; a long home therefore gets a socket in a per-user directory below the temporary
 * directory, named by a hash of the home. Others may write there, so the directory's owner and
 * mode are checked on both sides.
 */
import { chmod, lstat, mkdir, realpath } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { hasCode, sha256 } from '../util/index.ts'
import { ApiError } from './errors.ts'

/** Longest accepted path, bytes: macOS has 104 with the closing zero byte. */
export const maxSocketPathBytes = 103

export interface SocketEnv {
  platform: NodeJS.Platform
  tmpdir: string
  /** -1 on Windows. */
  uid: number
}

/** Path of the socket (a named pipe on Windows). `home` is absolute and free of symbolic links. Pure. */
export function socketPathFor(home: string, env: SocketEnv): string {
  const hash = sha256(home).slice(0, 32)
  if (env.platform === 'win32') return `\\\\.\\pipe\\bzzz-${hash}`
  const inside = join(home, 'run', 'agent.sock')
  if (Buffer.byteLength(inside) <= maxSocketPathBytes) return inside
  const outside = join(env.tmpdir, `bzzz-${env.uid}`, `${hash}.sock`)
  if (Buffer.byteLength(outside) <= maxSocketPathBytes) return outside
  return join('/tmp', `bzzz-${env.uid}`, `${hash}.sock`)
}

/** This process's own. */
export function socketEnv(): SocketEnv {
  return { platform: process.platform, tmpdir: tmpdir(), uid: userInfo().uid }
}

/** The home as an absolute path without symbolic links; one that does not exist yet is only made absolute. */
export async function realHome(home: string): Promise<string> {
  return realpath(home).catch(() => resolve(home))
}

/** Creates the socket's directory with mode 0700. Errors: `SOCKET_UNSAFE`, `HOME_UNUSABLE`. */
export async function prepareSocketDirectory(socketPath: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = dirname(socketPath)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const entry = await lstat(directory)
    if (entry.isDirectory() && entry.uid === userInfo().uid) await chmod(directory, 0o700)
  } catch (cause) {
    throw new ApiError('HOME_UNUSABLE', `The directory ${directory} cannot be made.`, {
      data: { home: directory },
      next: 'Choose another directory with `--home DIR`, or make this one writable.',
      cause,
    })
  }
  await checkSocketDirectory(socketPath)
}

/** Refuses a directory that others own or may enter. One that does not exist is fine. Errors: `SOCKET_UNSAFE`. */
export async function checkSocketDirectory(socketPath: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = dirname(socketPath)
  const entry = await lstat(directory).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined
    throw error
  })
  if (entry === undefined) return
  if (entry.isDirectory() && entry.uid === userInfo().uid && (entry.mode & 0o077) === 0) return
  throw new ApiError('SOCKET_UNSAFE', `${directory} is not a private directory of this user.`, {
    data: { path: directory },
    next: `Look at it with \`ls -ld ${directory}\`; remove it or make it yours with mode 0700.`,
  })
}
