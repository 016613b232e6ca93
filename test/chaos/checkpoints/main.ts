/**
 * `npm run chaos:checkpoints -- [--kills 50] [--seed S] [--keep] [--json FILE]`: real agents killed at
 * random points of their work. Ends with 1 when something done was done twice, lost though it was kept,
 * or never ended; and keeps the run's directory then.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { checkpointMs, runKills } from './run.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string' },
    keep: { type: 'boolean', default: false },
    json: { type: 'string', default: 'bench/results/chaos-checkpoints.json' },
  },
})
const [kills, seed] = [Number(values.kills), Number(values.seed ?? Date.now() % 1_000_000)]
if (!Number.isInteger(kills) || kills < 1 || kills > 1_000 || !Number.isInteger(seed)) {
  process.stderr.write(
    'Usage: npm run chaos:checkpoints -- [--kills N] [--seed S] [--keep] [--json FILE]\n',
  )
  process.exit(2)
}
const over = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => over.abort())
const note = (text: string) => process.stderr.write(`${text}\n`)
const began = performance.now()
const result = await runKills({ kills, seed, signal: over.signal, note, keep: values.keep })
const seconds = Math.round((performance.now() - began) / 1_000)
const { losses, violations, orphans } = result
const ages = losses.flatMap(({ ageMs }) => ageMs ?? []).sort((a, b) => a - b)
const lost = losses.map(({ steps }) => steps).sort((a, b) => a - b)
const middle = (all: number[]) => all[Math.floor(all.length / 2)] ?? 0
const summary = {
  ...result,
  seed,
  seconds,
  checkpointMs,
  lostSteps: { median: middle(lost), max: lost.at(-1) ?? 0 },
  keptAgeMs: { median: middle(ages), max: ages.at(-1) ?? 0 },
}
await mkdir(dirname(values.json), { recursive: true })
await writeFile(values.json, `${JSON.stringify(summary, null, 2)}\n`)
process.stdout.write(
  `${result.kills} of ${kills} kills of seed ${seed} in ${seconds} s: ${result.issues} issues, all with one pull request: ` +
    `${violations.length === 0 ? 'yes' : 'no'}; ${result.checkpoints} checkpoints every ${checkpointMs} ms, ` +
    `${result.heirs} attempts that went on from one, ${result.takeovers} by the other agent; ` +
    `steps of 200 ms that were lost: median ${summary.lostSteps.median}, most ${summary.lostSteps.max}; ` +
    `age of what was kept: median ${summary.keptAgeMs.median} ms, most ${summary.keptAgeMs.max} ms; ` +
    `${orphans} processes left behind\n${violations.join('\n') || 'no violation'}\n`,
)
process.exit(violations.length === 0 && orphans === 0 && result.kills === kills ? 0 : 1)
