/**
 * `npm run chaos:claims -- --runs N --seed S [--path P] [--naive]`: as many random schedules as asked.
 * Ends with 1 when one breaks the protocol, and says what to type to see it again.
 */
import { parseArgs } from 'node:util'
import { startNaive } from './naive.ts'
import { check } from './property.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    path: { type: 'string' },
    naive: { type: 'boolean', default: false },
  },
})
const [runs, seed] = [Number(values.runs), Number(values.seed ?? Date.now() % 1_000_000)]
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  process.stderr.write('Usage: npm run chaos:claims -- --runs N --seed S [--path P] [--naive]\n')
  process.exit(2)
}
const path = values.path === undefined ? {} : { path: values.path }
const began = performance.now()
const verdict = await check({ runs, seed, ...path }, values.naive ? startNaive : undefined)
const seconds = ((performance.now() - began) / 1_000).toFixed(1)
const { events, pulls, contested, failure } = verdict
process.stdout.write(
  `${verdict.runs} schedules of seed ${seed} in ${seconds} s: ${events} events, ${pulls} pull requests, ` +
    `${contested} schedules with a second attempt\n${failure?.report ?? 'no violation'}\n`,
)
process.exit(failure === undefined ? 0 : 1)
