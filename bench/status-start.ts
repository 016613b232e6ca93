/**
 * How long a client command takes as a whole process: `bzzz status` against a running agent.
 * Yardstick: `node -e 0`, the least that any Node program takes.
 *
 *   node bench/status-start.ts [rounds]
 */
import { spawnSync } from 'node:child_process'
import { bin, environment, newMeshName, prepareAgent, startAgent } from './agents.ts'
import { argument, bench, interleave, timed } from './lib.ts'

const rounds = argument(0, { min: 3, max: 500, usual: 25 })
const limitMs = 10_000

await bench({ name: 'status-start', budgetMs: 20_000, deadlineMs: 40_000 }, async (context) => {
  const meshName = newMeshName()
  const prepared = await prepareAgent(context, { name: 'idle', meshName, role: 'observer' })
  const agent = startAgent(context, prepared)
  await agent.up
  const { home } = prepared

  function run(args: string[]): void {
    const options = {
      cwd: home,
      env: environment(context),
      timeout: limitMs,
      encoding: 'utf8',
    } as const
    const { status, stderr } = spawnSync(process.execPath, args, options)
    if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`)
  }
  const commands: Record<string, string[]> = {
    'node -e 0': ['-e', '0'],
    'bzzz version': [bin, 'version'],
    'bzzz status': [bin, 'status', '--home', home],
    'bzzz status --json': [bin, 'status', '--home', home, '--json'],
  }
  const steps = Object.fromEntries(
    Object.entries(commands).map(([name, args]) => [name, () => timed(() => run(args))]),
  )
  await interleave(context, 2, steps)
  const samples = await interleave(context, rounds, steps)
  await agent.guest.stop('measured')
  return {
    parts: [
      { title: 'whole process of a client command', unit: 'ms', yardstick: 'node -e 0', samples },
    ],
    notes: [
      'The agent that answers is an idle observer. Two rounds before these fill the compile cache and are not counted.',
    ],
    facts: { rounds },
  }
})
