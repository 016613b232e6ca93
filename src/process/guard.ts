/**
 * Freezes a child when its agent cannot: an agent that is itself stopped (SIGSTOP, a debugger, a host
 * without memory) does not notice that its permit ran out, and its children would run on. So a shell
 * sleeps until just after that time and stops the child's group; each extension starts a new one.
 *
 * The group's number cannot be another's by then: while the agent is stopped nobody collects the
 * child, once it goes on it ends the guard, and when it dies the guard carries its mark and is reaped.
 * What left the group is not stopped; the agent does that when it is back.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Clock } from '../util/index.ts'
import { signalTo } from './reap.ts'

const SHELL = '/bin/sh'
/** After the end of the permit, ms: the agent should have done it itself by then. Within the margin of a takeover. */
const SLACK_MS = 1_000
/** Longer permits need no guard yet: they are extended before, ms. */
const MAX_MS = 2 * 24 * 60 * 60_000

export interface Guard {
  /** Stops the group after this time, ms, unless it is set again; Infinity: never. */
  set(leftMs: number): void
  end(): void
  /** Whether it may have stopped the group: its time is over, and it was neither ended nor set again. */
  isDue(): boolean
}

export interface GuardInit {
  env: Record<string, string>
  clock: Clock
  /** What stops the group. Default SIGSTOP. */
  signal?: NodeJS.Signals
}

/** `env`: with the mark by which a guard of a dead agent is found. */
export function createGuard(group: number, { env, clock, signal = 'SIGSTOP' }: GuardInit): Guard {
  let pid: number | undefined
  let due = Infinity

  function end(): void {
    if (pid !== undefined) signalTo(-pid, 'SIGKILL')
    pid = undefined
    due = Infinity
  }

  return {
    end,
    isDue: () => clock.monotonic() >= due,
    set(leftMs) {
      end()
      if (leftMs > MAX_MS || process.platform === 'win32' || !existsSync(SHELL)) return
      const seconds = Math.ceil((Math.max(0, leftMs) + SLACK_MS) / 1_000)
      due = clock.monotonic() + seconds * 1_000
      const script = `sleep ${seconds} && kill -s ${signal.slice(3)} -- -${group}`
      const shell = spawn(SHELL, ['-c', script], {
        detached: true,
        cwd: '/',
        env: { ...env, PATH: '/usr/bin:/bin' },
        stdio: 'ignore',
      })
      // Without it the agent still freezes the child itself.
      shell.on('error', () => undefined)
      const own = shell.pid
      pid = own
      shell.once('exit', () => {
        if (pid === own) pid = undefined
      })
      shell.unref()
    },
  }
}
