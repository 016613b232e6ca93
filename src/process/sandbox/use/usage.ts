/** What a child and its descendants use of the machine, read from /proc, `du` and the file system. */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs'
import { promisify } from 'node:util'

const execute = promisify(execFile)
/** For `du` over the directories of a task, ms. */
const DU_MS = 60_000
const BLOCK = 512
/** Of one process: more open files are not looked at. */
const MAX_DESCRIPTORS = 4_096

/** From the text of /proc/PID/status: memory of its own (heap, and shared memory that it sees), and threads. */
export function parseStatus(text: string): { memoryBytes: number; threads: number } {
  const number = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return {
    memoryBytes: (number('RssAnon') + number('RssShmem')) * 1024,
    threads: number('Threads'),
  }
}

export function memoryAndThreads(pids: readonly number[]): {
  memoryBytes: number
  threads: number
} {
  const sum = { memoryBytes: 0, threads: 0 }
  for (const pid of pids) {
    try {
      const { memoryBytes, threads } = parseStatus(readFileSync(`/proc/${pid}/status`, 'latin1'))
      sum.memoryBytes += memoryBytes
      sum.threads += threads
    } catch {
      // It ended meanwhile.
    }
  }
  return sum
}

/** Bytes of files that have no name any more, in memory and on disk: only their descriptors show them. */
export function namelessBytes(pids: readonly number[]): number {
  const seen = new Map<string, number>()
  for (const pid of pids) {
    for (const at of descriptors(pid)) {
      try {
        if (!readlinkSync(at).endsWith(' (deleted)')) continue
        const { dev, ino, blocks } = statSync(at)
        seen.set(`${dev}:${ino}`, blocks * BLOCK)
      } catch {
        // It was closed meanwhile.
      }
    }
  }
  return [...seen.values()].reduce((sum, bytes) => sum + bytes, 0)
}

function descriptors(pid: number): string[] {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder)
      .slice(0, MAX_DESCRIPTORS)
      .map((name) => `${folder}/${name}`)
  } catch {
    return []
  }
}

/** Memory that could be had without swapping, bytes; Infinity when unknown. */
export function availableMemory(): number {
  try {
    const text = readFileSync('/proc/meminfo', 'latin1')
    const kib = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1]
    return kib === undefined ? Infinity : Number(kib) * 1024
  } catch {
    return Infinity
  }
}

export interface Room {
  freeBytes: number
  freeFiles: number
}

export function roomOf(path: string): Room | undefined {
  try {
    const { bavail, bsize, ffree } = statfsSync(path)
    return { freeBytes: bavail * bsize, freeFiles: ffree }
  } catch {
    return undefined
  }
}

/**
 * Bytes that a process has handed to file systems on disks, counted when a page becomes dirty, with those of the
 * children whose end it has seen. Undefined when it is gone, or another's that cannot be looked into.
 */
export function writtenBy(pid: number): number | undefined {
  try {
    const bytes = /^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1]
    return bytes === undefined ? undefined : Number(bytes)
  } catch {
    return undefined
  }
}

/** Bytes below the directories, counted by `du`, which copes with any depth; undefined when it cannot. */
export async function bytesBelow(paths: readonly string[]): Promise<number | undefined> {
  const options = { timeout: DU_MS, env: { PATH: '/usr/bin:/bin' }, maxBuffer: 1024 * 1024 }
  const text = await execute('du', ['-skx', '--', ...paths], options).then(
    ({ stdout }) => stdout,
    // It says what it could count even when a directory is closed to it.
    (error: { stdout?: string }) => error.stdout ?? '',
  )
  const sizes = text.match(/^\d+/gm)
  return sizes === null ? undefined : sizes.reduce((sum, size) => sum + Number(size) * 1024, 0)
}
