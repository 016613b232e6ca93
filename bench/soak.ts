/**
 * What agents hold while issues pass through them: heap and what lies outside of it after a forced
 * collection, RSS, descriptors, handles, files and git stores, as slopes per 100 issues. Yardstick: a
 * lone idle agent in the same run, in the time of as many issues. Chores, chores that ask the others, a
 * coding agent with checkpoints, comments, reviews and merges, all at once and without end.
 *
 *   node bench/soak.ts [minutes] [workers] [directory for heap snapshots, or -] [arguments of Node …]
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep, until } from '../src/util/index.ts'
import { newMeshName, prepareAgent, startAgent, type BenchAgent } from './agents.ts'
import { startForge, type BenchForge } from './forge.ts'
import { argument, bench, type Bench } from './lib.ts'
import { files, startLoad, work, type Load } from './soak/load.ts'
import { ask, factsOf, socketOf } from './soak/read.ts'
import { growthOf, type Row } from './soak/slopes.ts'

const probe = fileURLToPath(new URL('children/probe.ts', import.meta.url))
const minutes = argument(0, { min: 1, max: 1_440, usual: 4 })
const workers = argument(1, { min: 1, max: 12, usual: 3 })
const [snapshots = '-', ...nodeArguments] = process.argv.slice(4)
const lone = 'lone'
const names = Array.from({ length: workers }, (_, n) => `worker-${n + 1}`)
const budgetMs = minutes * 60_000
/** To start, to end, and for a collection of many agents. */
const spareMs = 240_000
const everyMs = Math.max(10_000, budgetMs / 40)
/** Part of the time in which code is still loaded and compiled. */
const warm = 0.3
/** What is told of the journals: that all of it really went on. */
const told = ['claim.won', 'checkpoint.pushed', 'help.result', 'feedback.round', 'task.done']

async function start(
  context: Bench,
  forge: BenchForge,
  init: Record<'name' | 'repo' | 'mesh', string>,
) {
  const { name, repo, mesh: meshName } = init
  const times = { pollMs: 1_000, safetyPollMs: 5_000, feedbackQuietMs: 1_000 }
  const github = { apiUrl: forge.apiUrl, repos: [repo], ...times }
  const prepared = await prepareAgent(context, {
    name,
    meshName,
    role: 'worker',
    token: forge.token(name),
    config: { github, work: { ...work, slots: 2 }, help: { pauseMs: 200 } },
  })
  const agent = startAgent(context, prepared, {
    node: ['--expose-gc', '--import', probe, ...nodeArguments],
    env: { PROBE_SOCKET: socketOf(prepared.home) },
    timeoutMs: budgetMs + spareMs,
  })
  await agent.up
  return agent
}

async function toldBy(agents: readonly BenchAgent[]): Promise<Record<string, number>> {
  const counts = Object.fromEntries(told.map((type) => [type, 0]))
  for (const { api, name } of agents)
    for await (const { type } of api.logs({ agent: name, types: told }))
      counts[type] = (counts[type] ?? 0) + 1
  return counts
}

function table(rows: readonly Row[]): string[] {
  const cells = (...all: string[]) => all.map((text, n) => (n === 0 ? text.padEnd(20) : text.padStart(14))).join('') // prettier-ignore
  const facts = Object.keys(rows[0]?.facts ?? {})
  const done = Math.max(...rows.map((row) => row.done))
  const lines = facts.map((name) => {
    const of = (agents: string[]) => growthOf(rows, { agents, name, warm })
    const [busy, idle] = [of(names), of([lone])]
    const numbers = [busy.last, busy.perHundred, idle.last, idle.perHundred]
    return cells(name, ...numbers.map((number) => number.toFixed(2)))
  })
  const head = cells('each agent holds', 'at the end', 'per 100', 'idle', 'as long')
  return [`${done} issues; MiB where nothing else is said; slopes after the first ${warm * 100} % of the time`, head, ...lines] // prettier-ignore
}

await bench({ name: 'soak', budgetMs, deadlineMs: budgetMs + spareMs }, async (context) => {
  const forge = await startForge(context, { users: [...names, lone] })
  const busy = await forge.repository('busy', files)
  const quiet = await forge.repository('quiet', files)
  const rows: Row[] = []
  let going: Load | undefined
  try {
    const mesh = newMeshName()
    const idle = await start(context, forge, { name: lone, repo: quiet, mesh: newMeshName() })
    const crowd: BenchAgent[] = []
    for (const name of names) crowd.push(await start(context, forge, { name, repo: busy, mesh }))
    const met = async () => {
      const all = await Promise.all(crowd.map(({ api }) => api.status()))
      return all.every((status) => status.mesh.connected === workers - 1)
    }
    await until('the agents to meet', 120_000, met, { signal: context.signal, everyMs: 500 })
    const load = (going = startLoad(context, forge, { repo: busy, agents: workers }))
    const began = Date.now()
    const sample = async () => {
      for (const agent of [idle, ...crowd]) {
        const at = (Date.now() - began) / 60_000
        rows.push({ agent: agent.name, at, done: load.done, facts: await factsOf(agent) })
      }
      context.note(`${load.done} issues ended: ${JSON.stringify(load.ends)}`)
    }
    const snap = async (name: string) => {
      if (snapshots === '-') return
      for (const agent of [idle, ...crowd.slice(0, 1)])
        await ask(agent.home, `snapshot ${join(snapshots, `${agent.name}-${name}.heapsnapshot`)}`)
    }
    await sleep(everyMs, { signal: context.signal })
    await sample()
    for (let early = true; context.used() < 1;) {
      await sleep(everyMs, { signal: context.signal })
      await sample()
      if (early && context.used() >= warm) {
        early = false
        await snap('early')
      }
    }
    await snap('late')
    await load.stop()
    const notes = [
      ...table(rows),
      `what became of the issues: ${JSON.stringify(load.ends)}`,
      `in the journals: ${JSON.stringify(await toldBy(crowd))}`,
    ]
    const of = (agents: string[]) =>
      rows.filter((row) => agents.includes(row.agent)).map(({ facts }) => facts['RSS'] ?? 0)
    const samples = { 'idle agent': of([lone]), 'agent at work': of(names) }
    const parts = [{ title: 'RSS while it runs', unit: 'MiB', yardstick: 'idle agent', samples }]
    return { parts, notes, facts: { minutes, workers, nodeArguments, rows } }
  } finally {
    await going?.stop()
    await forge.stop()
  }
})
