/**
 * `npm run chaos:help -- [--only TEXT] [--json FILE]`: help over real processes, 12 in each topology, and
 * 4 in a line of which one is killed at each phase of a request. Ends with 1 when a rule of docs/help.md
 * was broken.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { createLab } from '../../mesh/support.ts'
import { allCases, kill, nameOf, size, type KillSeen } from './kills.ts'
import { createPeers } from './peers.ts'
import { count, inShape, shapes, type Seen } from './topologies.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    json: { type: 'string', default: 'bench/results/chaos-help.json' },
  },
})
const lab = await createLab()
const peers = createPeers(lab)
const end = async () => {
  await peers.end()
  await lab.close()
}
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => void end().then(() => process.exit(130)))
const all = Array.from({ length: count }, () => peers.make())
const results: (Omit<Seen, 'tree'> | KillSeen)[] = []
const note = (text: string) => process.stdout.write(`${text}\n`)
try {
  for (const shape of shapes.filter(({ name }) => name.includes(values.only))) {
    const { tree: _, ...seen } = await inShape(shape, { lab, peers, all })
    const { outcome, hops, frames, flood } = seen
    results.push(seen)
    note(
      `${shape.name}: ${outcome}, ${hops ?? '-'} hops, ${JSON.stringify(frames)}, a flood ${flood} requests`,
    )
  }
  const cases = allCases.filter((one) => nameOf(one).includes(values.only))
  const groups = Array.from({ length: count / size }, (_, at) =>
    all.slice(at * size, (at + 1) * size),
  )
  await Promise.all(
    groups.map(async (group) => {
      for (let one = cases.shift(); one !== undefined; one = cases.shift()) {
        const name = nameOf(one)
        const seen = await kill(one, { lab, peers, all: group }).catch((error: unknown) => ({
          case: name,
          outcome: 'error',
          violations: [`${name}: ${String(error)}`],
        }))
        results.push(seen)
        note(`${seen.case}: ${seen.outcome}`)
      }
    }),
  )
} finally {
  await end()
}
const violations = results.flatMap((seen) => seen.violations)
await mkdir(dirname(values.json), { recursive: true })
await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`)
note(`${results.length} runs\n${violations.join('\n') || 'no violation'}`)
process.exit(violations.length === 0 && results.length > 0 ? 0 : 1)
