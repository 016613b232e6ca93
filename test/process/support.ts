/** What the tests of real children share: a home, requests with defaults, who is alive. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createProcesses, type Processes, type SpawnRequest } from '../../src/process/index.ts'
import { listProcesses, markOf, processRow } from '../../src/process/proc-fs.ts'
import { nullLogger, until } from '../../src/util/index.ts'

export const fixture = (name: string) => new URL(`fixtures/${name}`, import.meta.url).pathname

export function testHome(prefix: string) {
  const home = mkdtempSync(join(tmpdir(), `bzzz-${prefix}-`))
  return { home, remove: () => rmSync(home, { recursive: true, force: true }) }
}

export const newProcesses = (stateDir: string): Processes =>
  createProcesses({ stateDir, logger: nullLogger })

export const request = (
  file: string,
  args: string[],
  more: Partial<SpawnRequest> = {},
): SpawnRequest => ({
  file,
  args,
  cwd: tmpdir(),
  env: { PATH: process.env['PATH'] ?? '' },
  purpose: 'test',
  timeoutMs: 30_000,
  graceMs: 300,
  ...more,
})

export const shell = (script: string, more: Partial<SpawnRequest> = {}) =>
  request('/bin/sh', ['-c', script], more)

export const alive = (pid: number) => processRow(pid) !== undefined

export function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** By vfork: a child that is stopped before its exec holds its parent, which then is not stopped itself. */
export const waitsForChild = (pid: number) => {
  const text = textOf(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).startsWith('D')
}

export const gone = (pids: number[], ms = 30_000) =>
  until(`the end of ${pids.join(', ')}`, ms, () => !pids.some(alive))

/** Running processes whose mark contains `text`. */
export async function marked(text: string): Promise<number[]> {
  const rows = await listProcesses()
  return rows.filter((row) => markOf(row.pid).includes(text)).map((row) => row.pid)
}
