/**
 * One agent per home. The lock is a file that names its owner: process id, that process's start
 * time and the boot, so that a reused process id is not taken for the owner, its home, so that the
 * lock in a copy of a home is not taken for one of the copy, and a random nonce, so that no two
 * locks are ever equal.
 *
 * A lock is of another home only if both the path and the directory (device and inode) are others:
 * the owner of a home that was moved still works in the same directory, and where one lies at the
 * path that the owner started with, the owner's files go there. Locks of before name no home, and
 * count where they lie.
 *
 * The file appears complete or not at all (written aside, then hard-linked to its name, which
 * fails when the name exists). A stale one is replaced while holding a second lock of the same kind
 * (`agent.lock.takeover`): under it the file is read again, and only if it is still the dead
 * owner's is the own one renamed over it. So of many starters that see the same stale file one
 * wins, and one that was slow cannot remove the winner's. A starter that died in a takeover leaves
 * a stale second lock, which is taken over by a third.
 */
import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError, hasCode } from '../util/index.ts'
import { ApiError } from './errors.ts'

export interface LockOwner {
  pid: number
  /** Clock ticks from boot to its start, as Linux counts them; null elsewhere. */
  startTime: string | null
  /** Id of the boot; null where the system has none. */
  boot: string | null
  /** Null in locks of before, and where it could not be told. */
  home: LockedHome | null
  nonce: string
}

export interface LockedHome {
  /** Absolute, free of symbolic links. */
  path: string
  /** Device and inode of the directory. */
  directory: string
}

export interface HomeLock {
  /** Idempotent. */
  release(): Promise<void>
}

/** Takeovers of takeovers that are tried: each needs a starter that died within a millisecond. */
const maxDepth = 4
/** Turns of "gone, so link; exists, so read" before giving up: others start and stop meanwhile. */
const maxTurns = 64

const lockPath = (home: string) => join(home, 'agent.lock')

/** Errors: `HOME_IN_USE` (data: home, pid), `HOME_FULL`, `HOME_UNUSABLE`. */
export async function acquireHomeLock(home: string): Promise<HomeLock> {
  const path = lockPath(home)
  let own: LockOwner
  try {
    await mkdir(home, { recursive: true, mode: 0o700 })
    own = await acquire(path, home, 0)
  } catch (error) {
    if (error instanceof CodedError) throw error
    if (hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT')) {
      throw new ApiError('HOME_FULL', `No space is left where the home ${home} is.`, {
        data: { home },
        next: 'Free some space there and start again; nothing was lost.',
        cause: error,
      })
    }
    throw new ApiError('HOME_UNUSABLE', `The home ${home} cannot be used.`, {
      data: { home },
      next: 'Choose another directory with `--home DIR`, or make this one writable.',
      cause: error,
    })
  }
  let released: Promise<void> | undefined
  return {
    release: () => (released ??= release(path, own)),
  }
}

/** The living process that owns this home, if there is one. */
export async function homeOwner(home: string): Promise<LockOwner | undefined> {
  return livingIn(await readOwner(lockPath(home)), await placeOf(home))
}

/** Since when the home has been locked, ms since 1970; undefined when it is not. */
export async function lockedSince(home: string): Promise<number | undefined> {
  const entry = await stat(lockPath(home)).catch(() => undefined)
  return entry?.mtimeMs
}

/** Whether that very process still runs, and not another one with its number. */
export async function isAlive(owner: LockOwner): Promise<boolean> {
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if (!hasCode(error, 'EPERM')) return false
  }
  const [boot, info] = await Promise.all([bootId(), processInfo(owner.pid)])
  if (owner.boot !== null && boot !== null && owner.boot !== boot) return false
  if (info === null) return true
  return !info.ended && (owner.startTime === null || owner.startTime === info.startTime)
}

/** The owner, if it lives and its lock was made for the home that lies at `place`. */
async function livingIn(
  owner: LockOwner | 'unreadable' | undefined,
  place: LockedHome | null,
): Promise<LockOwner | undefined> {
  if (owner === undefined || owner === 'unreadable') return undefined
  return !isElsewhere(owner.home, place) && (await isAlive(owner)) ? owner : undefined
}

function isElsewhere(locked: LockedHome | null, place: LockedHome | null): boolean {
  if (locked === null || place === null) return false
  return locked.path !== place.path && locked.directory !== place.directory
}

async function placeOf(home: string): Promise<LockedHome | null> {
  try {
    const [path, { dev, ino }] = await Promise.all([realpath(home), stat(home, { bigint: true })])
    return { path, directory: `${dev}:${ino}` }
  } catch {
    return null
  }
}

async function acquire(path: string, home: string, depth: number): Promise<LockOwner> {
  const place = await placeOf(home)
  const own: LockOwner = {
    pid: process.pid,
    startTime: (await processInfo(process.pid))?.startTime ?? null,
    boot: await bootId(),
    home: place,
    nonce: randomBytes(12).toString('hex'),
  }
  const aside = `${path}.${process.pid}.${own.nonce}`
  try {
    await writeFile(aside, JSON.stringify(own), { flag: 'wx', mode: 0o600, flush: true })
    for (let turn = 0; turn < maxTurns; turn += 1) {
      if (await linked(aside, path)) return own
      const owner = await readOwner(path)
      if (owner === undefined) continue
      const living = await livingIn(owner, place)
      if (living !== undefined) throw inUse(home, living.pid)
      if (depth >= maxDepth) break
      if (await takeOver(path, aside, home, depth)) return own
    }
    throw inUse(home, undefined)
  } finally {
    await rm(aside, { force: true })
  }
}

async function takeOver(
  path: string,
  aside: string,
  home: string,
  depth: number,
): Promise<boolean> {
  const guard = `${path}.takeover`
  await acquire(guard, home, depth + 1)
  try {
    const owner = await readOwner(path)
    if (owner === undefined) return false
    const living = await livingIn(owner, await placeOf(home))
    if (living !== undefined) throw inUse(home, living.pid)
    await rename(aside, path)
    return true
  } finally {
    await rm(guard, { force: true })
  }
}

async function release(path: string, own: LockOwner): Promise<void> {
  const owner = await readOwner(path)
  if (typeof owner === 'object' && owner.nonce === own.nonce) await rm(path, { force: true })
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** `unreadable`: no lock of ours, or one that a power loss cut; nobody owns it. */
async function readOwner(path: string): Promise<LockOwner | 'unreadable' | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  try {
    const value = JSON.parse(text) as Partial<LockOwner>
    if (!Number.isSafeInteger(value.pid) || Number(value.pid) <= 0) return 'unreadable'
    return {
      pid: Number(value.pid),
      startTime: typeof value.startTime === 'string' ? value.startTime : null,
      boot: typeof value.boot === 'string' ? value.boot : null,
      home: lockedHome(value.home),
      nonce: String(value.nonce),
    }
  } catch {
    return 'unreadable'
  }
}

function lockedHome(value: unknown): LockedHome | null {
  if (typeof value !== 'object' || value === null) return null
  const { path, directory } = value as Partial<LockedHome>
  return typeof path === 'string' && typeof directory === 'string' ? { path, directory } : null
}

/**
 * Fields 3 (state) and 22 (start time) of /proc/PID/stat, proc(5); the name before them may hold
 * spaces and parentheses. A zombie has ended, though its number is still taken. Null without /proc.
 */
async function processInfo(pid: number): Promise<{ ended: boolean; startTime: string } | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  if (state === undefined || startTime === undefined) return null
  return { ended: state === 'Z' || state === 'X', startTime }
}

async function bootId(): Promise<string | null> {
  const id = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return id.trim() === '' ? null : id.trim()
}

function inUse(home: string, pid: number | undefined): ApiError {
  const by = pid === undefined ? 'another process' : `process ${pid}`
  return new ApiError('HOME_IN_USE', `The home ${home} is in use by ${by}.`, {
    data: { home, ...(pid === undefined ? {} : { pid }) },
    next: 'Stop that agent with `bzzz down`, or start this one with another `--home DIR`.',
  })
}
