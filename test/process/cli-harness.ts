/** The real command as a child, with an environment of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileCache } from '../compile-cache.ts'
import { pathWithStandIns } from '../stand-ins.ts'

export const bin = fileURLToPath(new URL('../../src/cli/bin.mjs', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface Running {
  child: ChildProcess
  readonly stdout: string
  readonly stderr: string
  ended: Promise<Ended>
}

export interface StartOptions {
  env?: Record<string, string>
  node?: string[]
  /** File that stdout goes to, instead of `stdout`. */
  stdoutTo?: string
}

export interface Place {
  dir: string
  /** Runs to the end. */
  bzzz(...args: string[]): Promise<Ended>
  start(args: string[], options?: StartOptions): Running
  cleanup(): Promise<void>
}

export async function place(): Promise<Place> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'bzzz-cli-')))
  const running = new Set<Running>()
  const start: Place['start'] = (args, { env = {}, node = [], stdoutTo } = {}) => {
    const file = stdoutTo === undefined ? undefined : openSync(stdoutTo, 'w')
    const child = spawn(process.execPath, [...node, bin, ...args], {
      cwd: dir,
      env: {
        PATH: pathWithStandIns(),
        HOME: dir,
        BZZZ_HOME: join(dir, 'home'),
        ...compileCache,
        ...env,
      },
      stdio: ['ignore', file ?? 'pipe', 'pipe'],
    })
    if (file !== undefined) closeSync(file)
    const output = { stdout: '', stderr: '' }
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, ...output }))
    })
    const one: Running = {
      child,
      ended,
      get stdout() {
        return output.stdout
      },
      get stderr() {
        return output.stderr
      },
    }
    running.add(one)
    void ended.finally(() => running.delete(one))
    return one
  }
  return {
    dir,
    start,
    bzzz: (...args) => start(args).ended,
    cleanup: async () => {
      for (const one of running) one.child.kill('SIGKILL')
      await Promise.all([...running].map(({ ended }) => ended))
      await rm(dir, { recursive: true, force: true })
    },
  }
}
