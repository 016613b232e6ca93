/** Starting, asking and ending a child by way of its launcher; without one, as it is. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { ProcessRow } from '../proc-fs.ts'
import { signalTo, strike } from '../reap.ts'
import type { Launch } from './plan.ts'

export interface Starting {
  /** Absolute path of the program. */
  file: string
  /** What it is to be told as its name. */
  name: string
  args: readonly string[]
  cwd: string
  env: Record<string, string>
  stdin: 'pipe' | 'ignore'
}

/** Throws what `spawn` throws. */
export function spawnBy(launch: Launch | undefined, starting: Starting): ChildProcess {
  const { file, name, args, cwd, env, stdin } = starting
  const descriptors = (launch?.inherit ?? []).map((path) => openSync(path, 'r'))
  try {
    return spawn(launch?.file ?? file, launch?.args ?? [...args], {
      cwd,
      env,
      ...(launch === undefined ? { argv0: name } : {}),
      detached: process.platform !== 'win32',
      windowsHide: true,
      stdio: [stdin, 'pipe', 'pipe', ...descriptors],
    })
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor)
  }
}

/** TERM to the group, but not to bubblewrap's own two processes: their end is everyone's at once. */
export function warn(launch: Launch | undefined, pid: number, rows: readonly ProcessRow[]): void {
  if (launch?.endSignal !== 'SIGKILL') {
    signalTo(process.platform === 'win32' ? pid : -pid, 'SIGTERM')
    return
  }
  const group = rows.filter((row) => row.group === pid && row.pid !== pid && row.ppid !== pid)
  strike(group, 'SIGTERM')
}

/** A keeper that is stopped must go on to end the others. */
export function kill(launch: Launch | undefined, pid: number): void {
  if (launch !== undefined && launch.endSignal !== 'SIGKILL') {
    signalTo(pid, launch.endSignal)
    signalTo(pid, 'SIGCONT')
    return
  }
  signalTo(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
}
