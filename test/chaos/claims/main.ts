/**
 * `npm run chaos:claims -- --runs N --seed S [--path P] [--naive | --mutant NAME]`: as many random schedules as asked.
 * Ends with 1 when one breaks the protocol, and says what to type to see it again.
 */
import { parseArgs } from 'node:util'
import { startMutant } from './agent.ts'
import { isMutant, mutants } from './mutants.ts'
import { startNaive } from './naive.ts'
import { check } from './property.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    path: { type: 'string' },
    naive: { type: 'boolean', default: false },
    mutant: { type: 'string' },
  },
})
const [runs, seed] = [Number(values.runs), Number(values.seed ?? Date.now() % 1_000_000)]
const { mutant } = values
const unknown = mutant !== undefined && !isMutant(mutant)
if (unknown || !Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  process.stderr.write(
    'Usage: npm run chaos:claims -- --runs N --seed S [--path P] [--naive | --mutant NAME]\n' +
      `Mutants: ${Object.keys(mutants).join(', ')}\n`,
  )
  process.exit(2)
}
const path = values.path === undefined ? {} : { path: values.path }
const began = performance.now()
const broken = mutant === undefined ? undefined : startMutant(mutants[mutant])
const verdict = await check({ runs, seed, ...path }, values.naive ? startNaive : broken)
const seconds = ((performance.now() - began) / 1_000).toFixed(1)
const { events, pulls, contested, failure } = verdict
process.stdout.write(
  `${verdict.runs} schedules of seed ${seed} in ${seconds} s: ${events} events, ${pulls} pull requests, ` +
    `${verdict.rounds} rounds of feedback, ${contested} schedules with a second attempt, ` +
    `${verdict.resumed} with work resumed after a freeze, ` +
    `${verdict.checkpoints} checkpoints, ${verdict.heirs} attempts that went on from one, ` +
    `${verdict.handed} handed on (${verdict.followed} to who was named, ${verdict.fellBack} to others later, ` +
    `${verdict.crashes} crashes at a step of it)\n${failure?.report ?? 'no violation'}\n`,
)
process.exit(failure === undefined ? 0 : 1)
