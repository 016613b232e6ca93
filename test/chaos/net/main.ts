/**
 * `npm run test:chaos [-- NAME…] [--short] [--minutes M] [--seed S] [--json FILE]
 * [--keep] [--list] [--again]`: real agents on
 * a network of namespaces, and everything that can go wrong with it. Ends with 1 when something is
 * violated, and keeps that scenario's directory. Where this machine cannot make the namespaces it
 * says what it did not test, and ends with 0.
 */
import { parseArgs } from 'node:util'
import { enterWorld } from './inside.ts'
import { documentOf, textOf, writeReport } from './report.ts'
import { runScenarios } from './run.ts'
import type { Scenario } from './scenario.ts'
import { parts, scenarios } from './scenarios/index.ts'

const usage =
  'Usage: npm run test:chaos -- [SCENARIO…] [--short] [--minutes M] [--seed S] [--json FILE] [--keep] [--list] [--again]\n'

function read() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      short: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '180' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'string', default: 'bench/results/chaos-net.json' },
      keep: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  })
  const seed = Number(values.seed)
  const minutes = Number(values.minutes)
  const all = [...scenarios, ...parts]
  const unknown = positionals.filter((name) => !all.some((one) => one.name === name))
  if (unknown.length > 0) throw new Error(`there is no scenario ${unknown.join(', ')}; see --list`)
  if (!(minutes > 0)) throw new Error('--minutes takes a number above 0')
  if (!Number.isInteger(seed) || seed < 0) throw new Error('--seed takes a whole number')
  const named = all.filter(({ name }) => positionals.includes(name))
  const usual = scenarios.filter(({ short }) => short || !values.short)
  return { ...values, seed, minutes, chosen: named.length > 0 ? named : usual }
}

async function main(): Promise<number> {
  const { chosen, seed, minutes, json, keep, list, again } = read()
  if (list) {
    const line = ({ name, about }: Scenario, when: string) =>
      process.stdout.write(`${name.padEnd(14)}${when.padEnd(7)}${about}\n`)
    for (const one of scenarios) line(one, one.short ? 'short' : 'full')
    for (const one of parts) line(one, 'named')
    return 0
  }
  // Inside, the seed must be the one that was drawn outside.
  const args = [
    ...process.argv.slice(2),
    ...(process.argv.includes('--seed') ? [] : ['--seed', `${seed}`]),
  ]
  const here = await enterWorld(import.meta.filename, args)
  if (here.is === 'outside') return here.code
  const began = performance.now()
  const note = (text: string) => {
    const seconds = ((performance.now() - began) / 1_000).toFixed(0).padStart(5)
    process.stderr.write(`${seconds} s  ${text}\n`)
  }
  const outcomes =
    here.is === 'impossible'
      ? chosen.map(({ name, about }) => ({
          name,
          about,
          is: 'not tested' as const,
          reason: `${here.reason} (${here.next})`,
          seconds: 0,
          figures: {},
          violations: [],
        }))
      : await runScenarios(chosen, {
          seed,
          keep,
          again,
          minutes,
          dir: here.dir,
          signal: here.signal,
          note,
        })
  const document = documentOf({ seed, outcomes, rootless: here.is === 'inside' && here.rootless })
  process.stdout.write(`${textOf(document)}\n`)
  await writeReport(json, document)
  if (here.is === 'inside' && here.signal.aborted) return 130
  return outcomes.some((one) => one.is === 'failed') ? 1 : 0
}

// The waits of `util` do not keep a process alive.
const keepAlive = setInterval(() => undefined, 1_000)
try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  process.exitCode = 2
} finally {
  clearInterval(keepAlive)
}
