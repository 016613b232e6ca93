/** The report of a run as text and as JSON. */
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { Outcome } from './scenario.ts'

export function documentOf(init: { seed: number; rootless: boolean; outcomes: Outcome[] }) {
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    platform: `${process.platform} ${process.arch} ${release()}`,
    node: process.version,
    load: loadavg()[0] ?? 0,
  }
  return { date: new Date().toISOString(), machine, ...init }
}

type Document = ReturnType<typeof documentOf>

export function textOf({ seed, outcomes }: Document): string {
  const lines = outcomes.flatMap(
    ({ name, is, seconds, figures, violations, reason, dir, about }) => {
      const head = `${is.padEnd(10)}  ${name.padEnd(18)}${seconds.toFixed(0).padStart(4)} s`
      if (is === 'not tested')
        return [`${is.padEnd(10)}  ${name}: ${about}`, `            ${reason}`]
      return [
        head,
        ...Object.entries(figures).map(([what, value]) => `            ${what}: ${value}`),
        ...violations.map((text) => `            VIOLATED: ${text}`),
        ...(dir === undefined ? [] : [`            kept: ${dir}`]),
      ]
    },
  )
  const count = (is: Outcome['is']) => outcomes.filter((one) => one.is === is).length
  const untested = count('not tested')
  const total = `chaos: ${count('passed')} passed, ${count('failed')} failed${untested > 0 ? `, ${untested} skipped` : ''}`
  return [`seed ${seed}`, ...lines, '', total].join('\n')
}

export async function writeReport(path: string, document: Document): Promise<void> {
  const file = resolve(path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(document, undefined, 2)}\n`)
}
