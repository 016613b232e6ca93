/**
 * What a sandbox costs at the start of a child, against the same child without one, and how long after a
 * kill -9 of the agent everything that it ran is gone. A sibling container is measured when
 * BZZZ_TEST_ENGINE names the socket of an engine (and BZZZ_TEST_IMAGE an image that it has).
 */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createProcesses, type Processes, type SandboxChoice } from '../src/process/index.ts'
import { processRow } from '../src/process/proc-fs.ts'
import { nullLogger, until } from '../src/util/index.ts'
import { bench, interleave, type Bench, type Part } from './lib.ts'

const ROUNDS = 15
/** Each takes seconds. */
const CONTAINERS = 3
const KILLS = 5
const OWNER = join(import.meta.dirname, 'children', 'sandbox-owner.ts')
const engine = process.env['BZZZ_TEST_ENGINE']
const image = process.env['BZZZ_TEST_IMAGE'] ?? 'node:24-bookworm-slim'
const choices: SandboxChoice[] = ['off', 'bubblewrap', 'landlock']
if (engine !== undefined) choices.push('container')

await bench({ name: 'sandbox-start', budgetMs: 60_000, deadlineMs: 100_000 }, async (context) => {
  const { dir, note } = context
  const made: Processes[] = []
  const notes: string[] = []
  const starts: Record<string, () => Promise<number>> = {}
  const kills: Record<string, (round: number) => Promise<number>> = {}
  const containers: typeof starts = {}
  for (const choice of choices) {
    const home = join(dir, choice)
    const clone = join(home, 'clone')
    mkdirSync(clone, { recursive: true })
    const processes = createProcesses({
      stateDir: home,
      logger: nullLogger,
      sandbox: choice,
      ...(engine === undefined ? {} : { container: { image, socket: engine } }),
    })
    made.push(processes)
    const { kind, off, why } = await processes.prepare()
    if (kind === 'none' && !off) {
      notes.push(`${choice} was not measured: ${why}`)
      continue
    }
    const name = off ? 'no sandbox' : choice
    note(`${name} works`)
    const target = choice === 'container' ? containers : starts
    target[name] = async () => {
      const exit = await processes.run({
        file: '/bin/true',
        args: [],
        cwd: clone,
        env: { PATH: process.env['PATH'] ?? '' },
        purpose: 'benchmark',
        timeoutMs: 30_000,
        sandbox: { read: [], write: [clone] },
      })
      if (exit.exitCode !== 0) throw new Error(`${name}: ${exit.reason} ${exit.tail}`)
      return exit.durationMs
    }
    if (choice === 'container') continue
    kills[name] = (round) => goneAfter(join(dir, `${choice}-${round}`), choice)
  }
  try {
    const yardstick = 'no sandbox'
    return {
      parts: [
        {
          title: 'a child that does nothing, from its start until nothing of it is left',
          unit: 'ms',
          yardstick,
          samples: await interleave(context, ROUNDS, starts),
        },
        {
          title: 'after kill -9 of the agent, until its child and a daemon of it are gone',
          unit: 'ms',
          yardstick,
          samples: await interleave(context, KILLS, kills),
        },
        ...(await containerPart(context, starts[yardstick], containers)),
      ],
      notes,
    }
  } finally {
    await Promise.all(made.map((processes) => processes.stop()))
  }
})

async function containerPart(
  context: Bench,
  plain: (() => Promise<number>) | undefined,
  containers: Record<string, () => Promise<number>>,
): Promise<Part[]> {
  if (plain === undefined || Object.keys(containers).length === 0) return []
  const samples = await interleave(context, CONTAINERS, { 'no sandbox': plain, ...containers })
  const title = 'the same child in a sibling container'
  return [{ title, unit: 'ms', yardstick: 'no sandbox', samples }]
}

async function goneAfter(home: string, choice: SandboxChoice): Promise<number> {
  mkdirSync(home, { recursive: true })
  const owner = spawn(process.execPath, [OWNER, home, choice], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const lines = createInterface({ input: owner.stdout })[Symbol.asyncIterator]()
    const pids = JSON.parse(String((await lines.next()).value)) as number[]
    const began = performance.now()
    owner.kill('SIGKILL')
    const gone = () => pids.every((pid) => processRow(pid) === undefined)
    await until('the end of its children', 20_000, gone)
    return performance.now() - began
  } finally {
    owner.kill('SIGKILL')
  }
}
