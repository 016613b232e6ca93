/**
 * The lease: when the agent dies without a word (kill -9, out of memory), its children end too.
 *
 * One shell per agent, not per child, holds the reading end of a pipe whose writing end only the
 * agent has. It costs about 1 MB and a fork, and waits in `read`. When the pipe closes without
 * "stop", the shell becomes `reaper.ts`, which ends whatever carries the agent's mark or is in the
 * process table. It has a session of its own, so that Ctrl-C in a terminal does not reach it, and
 * no mark, so that an outer agent's reaping does not end it before its work is done. Without
 * /bin/sh (Windows) there is no lease: the sweep at the next start does it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SHELL = '/bin/sh'
const SCRIPT =
  'trap "" HUP INT TERM; while read -r line; do [ "$line" = stop ] && exit 0; done; exec "$@"'

/** Next to this file, with the same extension, whether sources or a build run. */
const REAPER = fileURLToPath(import.meta.url.replace(/lease\.(\w+)$/, 'reaper.$1'))

export interface Lease {
  /** Makes sure that the shell runs; starts it again if something ended it. */
  hold(): void
  /** Ends the shell; nothing is reaped. Idempotent. */
  release(): Promise<void>
}

export function createLease(init: { stateDir: string; owner: string }): Lease {
  let shell: ChildProcess | undefined
  const possible = existsSync(SHELL)

  return {
    hold() {
      if (!possible || shell !== undefined) return
      const started = spawn(
        SHELL,
        ['-c', SCRIPT, 'bzzz-lease', process.execPath, REAPER, init.stateDir, init.owner],
        { detached: true, cwd: '/', env: {}, stdio: ['pipe', 'ignore', 'ignore'] },
      )
      shell = started
      const gone = () => {
        if (shell === started) shell = undefined
      }
      started.on('exit', gone)
      started.on('error', gone)
      started.stdin?.on('error', gone)
      started.unref()
      if (started.stdin !== null && 'unref' in started.stdin) (started.stdin as NodeUnref).unref()
    },
    async release() {
      const ending = shell
      if (ending === undefined) return
      const exited = new Promise<void>((resolve) => {
        ending.once('exit', () => resolve())
        ending.once('error', () => resolve())
      })
      ending.ref()
      ending.stdin?.end('stop\n')
      await exited
    },
  }
}

interface NodeUnref {
  unref(): void
}
