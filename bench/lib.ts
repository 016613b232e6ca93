/**
 * What the benchmarks share: interleaved samples, ratios against a yardstick of the same run, a
 * table, a JSON file with the facts of the machine, and a frame that ends in time and leaves
 * nothing behind. Absolute times depend on the machine and on what else it does; ratios of
 * interleaved samples travel. Nothing here asserts a time.
 *
 * @example
 * await bench({ name: 'status-start', budgetMs: 15_000, deadlineMs: 40_000 }, async (context) => {
 *   const samples = await interleave(context, 15, { 'node -e 0': runNode, 'bzzz status': runStatus })
 *   return { parts: [{ title: 'start-up', unit: 'ms', yardstick: 'node -e 0', samples }], notes: [] }
 * })
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { createProcesses, type Processes } from '../src/process/index.ts'
import { createLogger, explain, sleep, withDeadline } from '../src/util/index.ts'

/** For a benchmark that was ended from outside to close what it opened, ms. */
const settleMs = 15_000

/** Samples by the name of what was measured. */
export type Samples = Record<string, number[]>

export interface Part {
  /** Heading above the table. */
  title: string
  unit: string
  /** The name in `samples` that the others are divided by. */
  yardstick: string
  samples: Samples
}

export interface Measured {
  parts: Part[]
  /** What a reader must know to understand the numbers. */
  notes: string[]
  /** Settings that were measured with, and other numbers; only in the JSON. */
  facts?: Record<string, unknown>
}

export interface Bench {
  /** Temporary; removed at the end. */
  dir: string
  /** Ended at the end, with all that they started. */
  processes: Processes
  /** Fires at the deadline and at Ctrl-C. */
  signal: AbortSignal
  /** Part of the time budget that is used: rounds that would begin after 1 are left out. */
  used: () => number
  /** Progress, on stderr. */
  note: (text: string) => void
}

export interface Summary {
  name: string
  samples: number
  min: number
  median: number
  /** 99th percentile by nearest rank: with fewer than 100 samples the greatest. */
  p99: number
  max: number
  /** Median over the yardstick's median; less is better. */
  ratio: number
}

export interface BenchInit {
  name: string
  /** When it is used up, no further round begins, ms: a busy machine makes fewer rounds, not a failure. */
  budgetMs: number
  /** When it ends whatever happens, ms. */
  deadlineMs: number
}

/** Runs one benchmark; sets the exit code to 1 when it fails, to 130 when it is interrupted. */
export async function bench(
  init: BenchInit,
  measure: (bench: Bench) => Promise<Measured>,
): Promise<void> {
  const { name, budgetMs, deadlineMs } = init
  const interrupt = new AbortController()
  const onSignal = () => interrupt.abort(new Error('interrupted'))
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  // The deadlines of `util` do not keep a process alive.
  const keepAlive = setInterval(() => undefined, 1_000)
  const dir = await mkdtemp(join(tmpdir(), `bzzz-bench-${name}-`))
  const logger = await createLogger({ level: 'error', fields: { bench: name } })
  const processes = createProcesses({ stateDir: dir, logger })
  const note = (text: string) => void process.stderr.write(`${name}: ${text}\n`)
  const began = performance.now()
  const used = () => (performance.now() - began) / budgetMs
  let running: Promise<unknown> = Promise.resolve()
  try {
    const loadBefore = loadavg()[0] ?? 0
    const measured = await withDeadline(
      `benchmark ${name}`,
      deadlineMs,
      (signal) => (running = measure({ dir, processes, signal, used, note })),
      { signal: interrupt.signal },
    )
    const seconds = (performance.now() - began) / 1_000
    const parts = measured.parts.map((part) => ({ ...part, rows: summarize(part) }))
    for (const part of parts) print(name, part)
    for (const text of measured.notes) console.log(`  ${text}`)
    const machine = { ...machineFacts(), loadBefore }
    await save(name, { name, date: new Date().toISOString(), seconds, machine, ...measured, parts })
  } catch (error) {
    process.stderr.write(`${name} failed: ${explain(error)}\n`)
    process.exitCode = interrupt.signal.aborted ? 130 : 1
  } finally {
    // The forge, for one, must not lose its children before it has stopped.
    await Promise.race([running.catch(() => undefined), sleep(settleMs)])
    await processes.stop()
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    clearInterval(keepAlive)
  }
}

/**
 * Each of `steps` in turn, `rounds` times (A B C A B C …): drift of the machine meets all alike.
 * At least one round, and none that would begin after the budget.
 */
export async function interleave(
  { signal, used }: Bench,
  rounds: number,
  steps: Record<string, (round: number) => Promise<number> | number>,
): Promise<Samples> {
  const samples: Samples = Object.fromEntries(Object.keys(steps).map((name) => [name, []]))
  for (let round = 0; round < rounds && (round === 0 || used() < 1); round += 1) {
    for (const [name, step] of Object.entries(steps)) {
      signal.throwIfAborted()
      samples[name]?.push(await step(round))
    }
  }
  return samples
}

export async function timed(step: () => unknown): Promise<number> {
  const began = performance.now()
  await step()
  return performance.now() - began
}

/** Middle value; the mean of the two middle ones for an even number; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

/** A whole number from the command line, within bounds. */
export function argument(index: number, bounds: { min: number; max: number; usual: number }) {
  const { min, max, usual } = bounds
  const given = Number(process.argv[index + 2] ?? usual)
  return Number.isFinite(given) ? Math.min(max, Math.max(min, Math.floor(given))) : usual
}

function summarize({ samples, yardstick }: Part): Summary[] {
  const measure = median(samples[yardstick] ?? [])
  return Object.entries(samples).map(([name, values]) => ({
    name,
    samples: values.length,
    min: Math.min(...values),
    median: median(values),
    p99: percentile(values, 0.99),
    max: Math.max(...values),
    ratio: median(values) / measure,
  }))
}

function print(name: string, part: Part & { rows: Summary[] }): void {
  const { title, unit, yardstick, rows } = part
  const width = Math.max(...rows.map((row) => row.name.length), 10)
  const cell = (text: string) => text.padStart(9)
  const heads = ['ratio', 'min', 'median', 'p99', 'max', 'n'].map(cell).join('')
  console.log(`\n${name}: ${title} (${unit}; ratio of medians to “${yardstick}”)`)
  console.log(`  ${''.padEnd(width)}${heads}`)
  for (const row of rows) {
    const numbers = [row.min, row.median, row.p99, row.max]
      .map((value) => cell(digits(value)))
      .join('')
    const ratio = row.name === yardstick ? '1' : row.ratio.toFixed(2)
    console.log(`  ${row.name.padEnd(width)}${cell(ratio)}${numbers}${cell(String(row.samples))}`)
  }
}

const digits = (value: number) =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

function machineFacts() {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    platform: `${process.platform} ${process.arch} ${release()}`,
    node: process.version,
  }
}

async function save(name: string, document: object): Promise<void> {
  const results = join(import.meta.dirname, 'results')
  await mkdir(results, { recursive: true })
  await writeFile(join(results, `${name}.json`), `${JSON.stringify(document, undefined, 2)}\n`)
}
