/**
 * `npm run chaos:processes -- [--agents 12] [--issues 200] [--seed S] [--minutes M] [--protocol naive]`:
 * real agent processes on a forge with faults, killed and stopped at random, judged from the forge's
 * side. Ends with 1 when something is violated, and keeps the run's directory then.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { explain } from '../../../src/util/index.ts'
import { documentOf, textOf } from './report.ts'
import { runProcesses } from './run.ts'

const usage =
  'Usage: npm run chaos:processes -- [--agents 2..24] [--issues 1..1000] [--seed S] [--minutes M] [--lease MS] [--protocol bzzz|naive] [--json FILE] [--keep] [--quiet]\n'

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '12' },
    issues: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string', default: '20' },
    lease: { type: 'string', default: '8000' },
    protocol: { type: 'string', default: 'bzzz' },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
  },
})

const whole = (text: string, min: number, max: number) => {
  const value = Number(text)
  return Number.isInteger(value) && value >= min && value <= max ? value : undefined
}
const agents = whole(values.agents, 2, 24)
const issues = whole(values.issues, 1, 1_000)
const seed = whole(values.seed, 0, 2 ** 31)
const minutes = whole(values.minutes, 1, 600)
const leaseMs = whole(values.lease, 1_000, 600_000)
const protocol = values.protocol === 'bzzz' || values.protocol === 'naive' ? values.protocol : ''
if (
  agents === undefined ||
  issues === undefined ||
  seed === undefined ||
  minutes === undefined ||
  leaseMs === undefined ||
  protocol === ''
) {
  process.stderr.write(usage)
  process.exit(2)
}

const interrupt = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => interrupt.abort(new Error(name)))
// The waits of `util` do not keep a process alive.
const keepAlive = setInterval(() => undefined, 1_000)
const began = performance.now()
const note = (text: string) => {
  const seconds = ((performance.now() - began) / 1_000).toFixed(0).padStart(5)
  if (!values.quiet) process.stderr.write(`${seconds} s  ${text}\n`)
}
note(`seed ${seed}`)
try {
  const { signal } = interrupt
  const asked = { agents, issues, seed, minutes, protocol, leaseMs, keep: values.keep } as const
  const document = documentOf(await runProcesses({ ...asked, signal, note }))
  process.stdout.write(`${textOf(document)}\n`)
  const file = resolve(values.json ?? `bench/results/chaos-processes-${protocol}.json`)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(document, undefined, 2)}\n`)
  process.exitCode = document.violations.length === 0 && document.orphans === 0 ? 0 : 1
} catch (error) {
  process.stderr.write(`the run of seed ${seed} did not end: ${explain(error)}\n`)
  process.exitCode = interrupt.signal.aborted ? 130 : 1
} finally {
  clearInterval(keepAlive)
}
