/**
 * Issue opened → assigned, with four real agents on the real forge and an issue every few seconds,
 * against the same calls by a plain script that is told the issue. Less the wait for an agent's next
 * look, which is configured: from the first try of a claim to the assignment.
 *
 *   node bench/claim-latency.ts [issues]
 */
import { sleep } from '../src/util/index.ts'
import { stopAll } from './agents.ts'
import { startForge } from './forge.ts'
import { argument, bench, type Part } from './lib.ts'
import { crowd, files, pollMs, script, Stage, type Worked } from './stage.ts'

const count = argument(0, { min: 4, max: 400, usual: 40 })
/** Between two issues, ms: four agents keep up with it. */
const everyMs = 2_000
const agents = 'four agents'
const polite = 'plain script, octokit’s pauses'

await bench({ name: 'claim-latency', budgetMs: 110_000, deadlineMs: 220_000 }, async (context) => {
  const forge = await startForge(context, { users: [...crowd, script] })
  const byScript: Worked[] = []
  const byAgents: Worked[] = []
  try {
    const stage = new Stage(context, forge, await forge.repository('latency', files))
    try {
      await stage.startAgents(crowd)
      const reading: Promise<Worked>[] = []
      for (let n = 0; n < count && (n < 4 || context.used() < 0.9); n += 1) {
        const opened = await stage.open(['bzzz'])
        reading.push(
          stage.read(opened).then(async (worked) => {
            await stage.close(opened.issue)
            return worked
          }),
        )
        if (n % 4 === 0) byScript.push(await stage.byScript(true))
        const left = opened.opened + everyMs - Date.now()
        await sleep(Math.max(0, left), { signal: context.signal })
        if (n % 10 === 9) context.note(`${n + 1} of ${count} issues`)
      }
      byAgents.push(...(await Promise.all(reading)))
    } finally {
      await stopAll(stage.agents.map(({ guest }) => guest))
    }
  } finally {
    await forge.stop()
  }
  const part = (title: string, measure: (one: Worked) => number): Part => ({
    title,
    unit: 'ms',
    yardstick: polite,
    samples: { [polite]: byScript.map(measure), [agents]: byAgents.map(measure) },
  })
  const lost = byAgents.reduce((sum, one) => sum + one.lost, 0)
  return {
    parts: [
      part('issue opened → assigned', ({ opened, assigned }) => assigned - opened),
      part('first claim tried → assigned', ({ tried, assigned }) => assigned - tried),
    ],
    notes: [
      `${byAgents.length} issues, one every ${everyMs / 1_000} s; ${lost} lost claims in all. Agents look every ${pollMs} ms (30 s unless configured) and wait for their place in the order of the issue; the script is told the issue and tries at once.`,
      'An agent that has just opened a pull request may wait for octokit’s pause between writes (1 to 3 s) before it can assign.',
    ],
    facts: { agents: crowd.length, everyMs, pollMs },
  }
})
