/**
 * Reading and writing files for somebody else, within one directory. Symbolic links are resolved
 * before the decision and not followed afterwards; `.git` and special files are out of bounds.
 */
import { constants, type Dirent } from 'node:fs'
import { chown, lstat, mkdir, open, opendir, realpath, stat, unlink } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { WorkError } from './errors.ts'

/** Largest file that is read or written, bytes. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024

/** Entries of a directory that are looked at. */
export const MAX_ENTRIES = 20_000

export interface Entry {
  name: string
  /** `other`: devices, pipes, sockets. Links are not followed. */
  kind: 'file' | 'directory' | 'link' | 'other'
}

export interface ConfinedFiles {
  /** Text of a file. Errors: `PROTECTED_PATH` outside, `EXECUTOR_FAILED` when it cannot be read. */
  read(path: string): Promise<string>
  /** Writes a file and the directories above it; resolves with the path below the root. */
  write(path: string, content: string): Promise<string>
  /** What is in a directory, without `.git`, by name; of a larger one the first 20,000. Errors as of `read`. */
  list(path: string): Promise<Entry[]>
  /** Deletes a file, or a link but not what it leads to; resolves with the path below the root. */
  remove(path: string): Promise<string>
  /** True when `path`, absolute or below the root, leads to a place within the root. */
  contains(path: string): Promise<boolean>
}

export async function confinedFiles(root: string): Promise<ConfinedFiles> {
  const base = await realpath(root)

  /** Real path of the deepest directory that exists, plus the rest. */
  async function locate(path: string): Promise<string> {
    if (path.includes('\0')) throw outside(path)
    const wanted = resolve(base, path)
    const rest: string[] = []
    let at = wanted
    for (;;) {
      const real = await realpath(at).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
        throw outside(path)
      })
      if (real !== undefined) return inside(path, join(real, ...rest))
      // A link that leads nowhere: following it would create its target.
      if (await isLink(at)) throw outside(path)
      rest.unshift(basename(at))
      const parent = dirname(at)
      if (parent === at) throw outside(path)
      at = parent
    }
  }

  function inside(path: string, real: string): string {
    const below = relative(base, real)
    const parts = below.split(sep)
    if (isAbsolute(below) || parts[0] === '..') throw outside(path)
    if (parts.some((part) => part.toLowerCase() === '.git')) throw outside(path)
    return real
  }

  return {
    async read(path) {
      const real = await locate(path)
      const file = await open(
        real,
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      )
      try {
        const stat = await file.stat()
        if (!stat.isFile()) throw unusable(path, 'is not a plain file')
        if (stat.size > MAX_FILE_BYTES)
          throw unusable(path, `is larger than ${MAX_FILE_BYTES} bytes`)
        return await file.readFile('utf8')
      } finally {
        await file.close()
      }
    },
    async write(path, content) {
      if (Buffer.byteLength(content) > MAX_FILE_BYTES) {
        throw unusable(path, `would be larger than ${MAX_FILE_BYTES} bytes`)
      }
      const real = await locate(path)
      if (real === base) throw unusable(path, 'is a directory')
      const made = await mkdir(dirname(real), { recursive: true })
      const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
      const file = await open(real, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644)
      try {
        const stat = await file.stat()
        if (!stat.isFile()) throw unusable(path, 'is not a plain file')
        // Whoever has the file under its other name did not ask for the change.
        if (stat.nlink > 1) throw unusable(path, 'is the same file as another one (a hard link)')
        await file.truncate(0)
        await file.writeFile(content)
        await giveAway(base, real, made)
      } finally {
        await file.close()
      }
      return relative(base, real).split(sep).join('/')
    },
    async list(path) {
      const real = await locate(path)
      const entries: Entry[] = []
      for await (const entry of await opendir(real)) {
        if (entry.name.toLowerCase() === '.git') continue
        if (entries.length >= MAX_ENTRIES) break
        entries.push({ name: entry.name, kind: kindOf(entry) })
      }
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async remove(path) {
      const wanted = resolve(base, path)
      const directory = await locate(dirname(wanted))
      const real = inside(path, join(directory, basename(wanted)))
      if (real === base) throw unusable(path, 'is a directory')
      const stat = await lstat(real).catch(() => undefined)
      if (stat === undefined) throw unusable(path, 'does not exist')
      if (!stat.isFile() && !stat.isSymbolicLink()) throw unusable(path, 'is not a plain file')
      await unlink(real)
      return relative(base, real).split(sep).join('/')
    },
    contains: (path) =>
      locate(path).then(
        () => true,
        () => false,
      ),
  }
}

function kindOf(entry: Dirent): Entry['kind'] {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'directory'
  return entry.isSymbolicLink() ? 'link' : 'other'
}

/** Root writes for another user, whose file it must be; so are the directories from `made` on. */
async function giveAway(base: string, file: string, made: string | undefined): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(base)
  for (let at = file; at.length > base.length; at = dirname(at)) {
    if (at === file || (made !== undefined && at.length >= made.length)) await chown(at, uid, gid)
  }
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (stat) => stat.isSymbolicLink(),
    () => false,
  )
}

const outside = (path: string) =>
  new WorkError('PROTECTED_PATH', `${path.slice(0, 300)} is outside of the workspace.`, {
    data: { path: path.slice(0, 300) },
  })

const unusable = (path: string, problem: string) =>
  new WorkError('EXECUTOR_FAILED', `${path.slice(0, 300)} ${problem}.`, {
    data: { path: path.slice(0, 300) },
  })
