/**
 * From SIGKILL of the holder to the claim of another agent, over lease and margin, which is the
 * least that the protocol can wait: real agents on the real forge. The taker counts from when it saw
 * the last renewal, which is up to a third of the lease older than the kill; its next look comes on top.
 *
 *   node bench/takeover.ts [rounds]
 */
import { marginMs } from '../src/tasks/intake/consider.ts'
import { until } from '../src/util/index.ts'
import {
  newMeshName,
  prepareAgent,
  startAgent,
  stopAll,
  type BenchAgent,
  type Prepared,
} from './agents.ts'
import { owner, startForge } from './forge.ts'
import { argument, bench } from './lib.ts'
import { octokitFor } from './naive.ts'

const rounds = argument(0, { min: 1, max: 20, usual: 4 })
const leaseMs = 3_000
const pollMs = 500
const limitMs = 90_000
const names = ['ada', 'bo', 'cleo']
const least = 'lease + margin'
const taken = 'SIGKILL → claim of another agent'

const files = {
  'log.txt': 'begin\n',
  'WORKFLOW.md': `---\n${JSON.stringify({
    checks: [],
    chores: { hang: { run: [process.execPath, '-e', 'setInterval(() => {}, 1000)'] } },
  })}\n---\nWork on one issue at a time.\n`,
}
const body = '```bzzz\nchore: hang\n```\n'

await bench({ name: 'takeover', budgetMs: 75_000, deadlineMs: 200_000 }, async (context) => {
  const { signal } = context
  const forge = await startForge(context, { users: names })
  const running = new Map<string, BenchAgent>()
  const waits: number[] = []
  try {
    const full = await forge.repository('takeover', files)
    const at = { owner, repo: full.split('/')[1] ?? '' }
    const { rest } = octokitFor(forge, owner, false)
    const meshName = newMeshName()
    const github = { apiUrl: forge.apiUrl, repos: [full], pollMs, claims: { leaseMs } }
    const config = { github, work: { use: ['command'] } }
    const prepared = new Map<string, Prepared>()
    for (const name of names) {
      const token = forge.token(name)
      const init = { name, meshName, role: 'worker', config, token } as const
      prepared.set(name, await prepareAgent(context, init))
    }
    const start = async () => {
      for (const [name, one] of prepared)
        if (!running.has(name)) running.set(name, startAgent(context, one))
      await Promise.all([...running.values()].map(({ up }) => up))
      const others = names.length - 1
      await until(
        'the agents to meet',
        limitMs,
        async () => {
          const all = await Promise.all([...running.values()].map(({ api }) => api.status()))
          return all.every(
            ({ mesh, github: { repos } }) =>
              mesh.connected === others && repos.every((repo) => repo.ok),
          )
        },
        { signal, everyMs: 200 },
      )
    }
    /** Who won this attempt, and when, by the journals of those who run. */
    const wonBy = (issue: number, attempt: number) =>
      until(
        `claim ${attempt} of issue ${issue}`,
        limitMs,
        async () => {
          for (const { api, name } of running.values()) {
            const query = {
              agent: name,
              task: { repo: full, issue },
              types: ['claim.won' as const],
            }
            for await (const entry of api.logs(query))
              if (entry.type === 'claim.won' && entry.attempt === attempt)
                return { name, at: entry.time }
          }
          return undefined
        },
        { signal, everyMs: 100 },
      )
    for (let round = 0; round < rounds && (round === 0 || context.used() < 1); round += 1) {
      await start()
      const { data } = await rest.issues.create({ ...at, title: 'Hang', body, labels: ['bzzz'] })
      const holder = await wonBy(data.number, 1)
      const { guest } = running.get(holder.name)!
      // Renewed at least once, seen by all.
      await until('a renewal', limitMs, () => Date.now() > holder.at + leaseMs / 2, { signal })
      const killed = Date.now()
      process.kill(guest.pid, 'SIGKILL')
      running.delete(holder.name)
      const heir = await wonBy(data.number, 2)
      waits.push(heir.at - killed)
      await guest.exit
      await rest.issues.update({ ...at, issue_number: data.number, state: 'closed' })
      context.note(`${round + 1} of ${rounds}: ${heir.at - killed} ms`)
    }
  } finally {
    await stopAll([...running.values()].map(({ guest }) => guest))
    await forge.stop()
  }
  const samples = { [least]: [leaseMs + marginMs], [taken]: waits }
  return {
    parts: [{ title: 'takeover after a crash', unit: 'ms', yardstick: least, samples }],
    notes: [
      `lease ${leaseMs} ms, margin ${marginMs} ms, a look every ${pollMs} ms, ${names.length} agents. The killed agent had renewed up to a third of the lease earlier.`,
    ],
    facts: { leaseMs, marginMs, pollMs, agents: names.length },
  }
})
