/**
 * The break-out table: each attack is run in a sandbox by a hostile program, and every one must be
 * stopped. `npm test` runs it for every sandbox that works here; `node bench/breakout.ts` prints it.
 */
import { execFile, spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import {
  createProcesses,
  type Exit,
  type Processes,
  type SandboxChoice,
  type SpawnRequest,
} from '../../src/process/index.ts'
import { nullLogger } from '../../src/util/index.ts'
import { engineOf } from '../process/fixtures/engine.ts'
import type { Targets } from './targets.ts'

export interface Row {
  attack: string
  stopped: boolean
  /** By what: the error that it met, or the limit. */
  by: string
}

const MIB = 1024 * 1024
const GIB = 1024 * MIB
export const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`

export interface Stage {
  processes: Processes
  /** Runs a program in the sandbox; its place is new for each. */
  run(argv: [string, ...string[]], more?: Partial<SpawnRequest>): Promise<Exit & { clone: string }>
  close(): Promise<void>
}

export type Tried = Exclude<SandboxChoice, 'auto' | 'off'>

/** Undefined when this sandbox does not work here; `why` is told. */
export async function stage(
  choice: Tried,
  targets: Targets,
  why: (reason: string) => void,
): Promise<Stage | undefined> {
  const { home } = targets
  if (choice === 'container' && process.env['BZZZ_TEST_ENGINE'] === undefined) {
    why('BZZZ_TEST_ENGINE names no socket of a container engine.')
    return undefined
  }
  const processes = createProcesses({
    stateDir: home,
    logger: nullLogger,
    sandbox: choice,
    ...engineOf(process.env),
  })
  const state = await processes.prepare()
  if (state.kind !== choice) {
    await processes.stop()
    why(state.why)
    return undefined
  }
  let count = 0
  return {
    processes,
    async run([file, ...args], { sandbox, ...more } = {}) {
      count += 1
      const root = join(home, 'work', `octo-lib-${choice}-${count}`)
      const [clone, own, tmp] = ['clone', 'home', 'tmp'].map((name) => join(root, name)) as [
        string,
        string,
        string,
      ]
      for (const path of [clone, own, tmp]) mkdirSync(path, { recursive: true, mode: 0o700 })
      copyFileSync(join(import.meta.dirname, 'hostile.mjs'), join(clone, 'hostile.mjs'))
      writeFileSync(join(clone, 'targets.json'), JSON.stringify(targets.given))
      const exit = await processes.run({
        file,
        args,
        cwd: clone,
        env: { PATH, HOME: own, TMPDIR: tmp },
        purpose: `break out of ${choice}`,
        timeoutMs: 60_000,
        sandbox: { ...sandbox, read: [], write: [clone, own, tmp], network: 'none' },
        ...more,
      })
      return { ...exit, clone }
    },
    close: () => processes.stop(),
  }
}

/** Reading, writing, connecting, escaping: all that one hostile program tries. */
export async function tryWalls(stage: Stage, targets: Targets): Promise<Row[]> {
  targets.noticed.length = 0
  const exit = await stage.run(['node', 'hostile.mjs'])
  const outside = written(targets, exit.clone)
  const rows = rowsOf(exit.stdout).map((row) => judged(row, outside))
  const noticed = targets.noticed.map((what) => ({
    attack: what,
    stopped: false,
    by: 'nothing: the other end saw it',
  }))
  return [...rows, ...noticed]
}

/** What an attempt to write would leave outside. */
function written({ home, given }: Targets, clone: string): ReadonlyMap<string, string> {
  return new Map([
    ['write to the system', '/usr/lib/bzzz-was-here'],
    ['write to /etc', '/etc/bzzz-was-here'],
    ['write beside the clone', join(dirname(clone), 'was-here')],
    ["write to another task's clone", `${given['other']}.new`],
    ['write to the home of the agent', join(home, 'was-here')],
    ['write by a link', join(home, 'was-here-too')],
  ])
}

/** Files of a sandbox that are nowhere else are its own to write: whether it wrote is seen from outside. */
function judged(row: Row, outside: ReadonlyMap<string, string>): Row {
  const path = outside.get(row.attack)
  if (path === undefined) return row
  if (existsSync(path)) return { ...row, stopped: false, by: `nothing: there is ${path}` }
  return row.stopped ? row : { ...row, stopped: true, by: 'in memory of its own: nothing arrived' }
}

/** The lines that `hostile.mjs` prints. */
export function rowsOf(printed: string): Row[] {
  return printed.split('\n').flatMap((line) => {
    const match = /^(GOT|STOPPED) ([^:]+): (.*)$/.exec(line)
    if (match === null) return []
    const [, how, attack = '', by = ''] = match
    return [{ attack, stopped: how === 'STOPPED', by }]
  })
}

const node = (code: string): [string, ...string[]] => ['node', '-e', code]
const sh = (code: string): [string, ...string[]] => ['sh', '-c', code]
const limits = (wanted: object) => ({ sandbox: { read: [], write: [], limits: wanted } })

/** What would use up the machine. Each is bounded by itself, should the sandbox not hold it. */
export async function tryLimits(stage: Stage): Promise<Row[]> {
  const rows: Row[] = []
  const add = (attack: string, exit: Exit, stopped: boolean) =>
    rows.push({ attack, stopped, by: exit.exceeded ?? said(exit) })
  const run = (argv: [string, ...string[]], wanted: object, more: Partial<SpawnRequest> = {}) =>
    stage.run(argv, withLimits(more, wanted))

  const memory = await run(
    node(
      `const all = []; for (let i = 0; i < 60; i += 1) { all.push(Buffer.alloc(${16 * MIB}, 1)); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60) } console.log('ALL')`,
    ),
    { memoryBytes: 256 * MIB },
  )
  add('memory bomb', memory, !memory.stdout.includes('ALL'))
  const forks = await run(
    sh('i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i+1)); done; echo ALL; wait'),
    { processes: 64 },
  )
  // Where the kernel counts other processes of the user, too, they are counted after they began.
  add('fork bomb', forks, forks.exceeded === 'processes' || !forks.stdout.includes('ALL'))
  rows.push(await tryFlood(stage))
  const reserved = await stage.run(
    sh(`: >big; fallocate -n -l ${GIB} big; ${RESERVE} du -sm . | cut -f1`),
    limits({ diskBytes: 24 * MIB }),
  )
  const taken = Number(reserved.stdout.trim())
  add('reserved disk', reserved, reserved.exceeded === 'disk' || taken < 24)
  const files = await run(
    node(
      `const fs = require('fs'); for (let i = 0; i < 500; i += 1) fs.openSync('targets.json'); console.log('ALL')`,
    ),
    { openFiles: 128 },
  )
  add('open files', files, !files.stdout.includes('ALL'))
  const output = await run(['yes'], {}, { maxOutputBytes: MIB, timeoutMs: 20_000 })
  add('endless output', output, output.reason === 'output-limit')
  const endless = await run(
    sh('trap "" TERM INT HUP; while :; do sleep 1; done'),
    {},
    { timeoutMs: 1_000, graceMs: 300 },
  )
  add('running for ever', endless, endless.reason === 'timeout')
  const mark = `${600 + Math.floor(Math.random() * 1_000_000)}.5`
  const daemon = await run(
    sh(`(setsid sh -c 'setsid sleep ${mark} & sleep 0.1' &) ; sleep 0.5; echo left`),
    {},
  )
  const alive = commandLines().some((line) => line.includes(mark))
  rows.push({
    attack: 'double-forked daemon',
    stopped: !alive,
    by: alive ? 'nothing' : `ended with its task (${said(daemon)})`,
  })
  return rows
}

/** FS_IOC_RESVSP, which reserves beyond the end of a file. */
const RESERVE = `perl -e 'open(F, ">", "more"); ioctl(F, 0x40305828, pack("s s x4 q q l L l4", 0, 0, 0, ${GIB}, 0, 0, 0, 0, 0, 0)) or print STDERR "$!\\n"';`
/** Of a flood: bounded by itself, should the sandbox not hold it. */
const FLOOD_BYTES = 4 * GIB
const HOGS = 4

/** Files as fast as can be from two processes, beside programs that leave little of the processors. */
async function tryFlood(stage: Stage): Promise<Row> {
  const hogs = Array.from({ length: HOGS }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  )
  try {
    const code = `const fs = require('fs'); const block = Buffer.alloc(${8 * MIB}, 1); for (let i = 0; i < ${FLOOD_BYTES / 2 / (8 * MIB)}; i += 1) fs.writeFileSync(process.pid + '-' + i, block)`
    const exit = await stage.run(
      sh(`node -e "${code}" & node -e "${code}" & wait; echo ALL`),
      limits({ diskBytes: 24 * MIB }),
    )
    const held = bytesIn(exit.clone)
    return {
      attack: 'disk flood',
      stopped: exit.exceeded === 'disk' && held < FLOOD_BYTES / 2,
      by: `${exit.exceeded ?? said(exit)}, at ${Math.round(held / MIB)} MiB of 24`,
    }
  } finally {
    for (const hog of hogs) hog.kill('SIGKILL')
  }
}

function bytesIn(dir: string): number {
  const names = readdirSync(dir)
  return names.reduce((sum, name) => sum + statSync(join(dir, name)).blocks * 512, 0)
}

function withLimits(more: Partial<SpawnRequest>, wanted: object): Partial<SpawnRequest> {
  return { ...more, ...limits(wanted) }
}

function said({ reason, exitCode, tail }: Exit): string {
  const last = tail.trim().split('\n').at(-1) ?? ''
  return reason === 'exited' ? `exit ${exitCode}: ${last.slice(0, 60)}` : reason
}

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'latin1')]
      } catch {
        return []
      }
    })
}

export function drawn(title: string, rows: readonly Row[]): string {
  const wide = Math.max(...rows.map(({ attack }) => attack.length))
  const lines = rows.map(
    ({ attack, stopped, by }) =>
      `${attack.padEnd(wide)}  ${stopped ? 'stopped' : 'GOT IN '}  ${by}`,
  )
  const count = rows.filter(({ stopped }) => stopped).length
  return [`${title}: ${rows.length} tried, ${count} stopped`, ...lines, ''].join('\n')
}

const PLAIN = 65_534
const AS_USER = join(import.meta.dirname, 'fixtures/as-user.ts')

/** What a plain user's agent came to in each sandbox: rows, or why it was not tried. */
export type ByUser = Partial<Record<Tried, Row[] | string>>

/** The same in an agent of a user without rights, whose own files the targets are. Undefined without root, who is one. */
export async function asPlainUser(
  choices: readonly Tried[],
  what: 'walls' | 'all',
): Promise<ByUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const user = [`--reuid=${PLAIN}`, `--regid=${PLAIN}`, '--clear-groups']
  const args = [...user, process.execPath, AS_USER, what, ...choices]
  const options = { env: { PATH }, timeout: 110_000, maxBuffer: MIB }
  const { stdout } = await promisify(execFile)('setpriv', args, options)
  return JSON.parse(stdout) as ByUser
}
