/**
 * What the protocol asks of GitHub: calls and writes per claim, per renewal, per job of an hour and
 * per idle hour, for some numbers of agents on ten repositories, against the naive protocol (list,
 * read the assignees, assign, work, push, pull request) under the same settings, and against what the
 * design foresaw. In model time; see `calls-model.ts`. The numbers are exact for their seeds and do
 * not depend on the machine.
 *
 *   node bench/calls.ts [most agents]
 */
import { add, emptyTally, type Tally } from './calls-count.ts'
import { Model, settings, settleMs, type ModelInit } from './calls-model.ts'
import { goals, parts, tables, type Contest, type Row, type TrustCase } from './calls-report.ts'
import { argument, bench } from './lib.ts'

const most = argument(0, { min: 1, max: 200, usual: 50 })
const crowds = [1, 5, 20, 50].filter((agents) => agents <= most)
/** Repositories that are measured: large meshes are the dearest to run and differ the least. */
const worldsOf = (agents: number) => (agents > 20 ? 2 : agents > 5 ? 4 : 10)
const hourMs = 60 * 60_000
const afterMs = 10 * 60_000
/** Issues of a repository that come one after the other within an hour, or are open at once. */
const issuesPerHour = 10
const shortMs = [120_000, 300_000] as const
const protocols = ['naive', 'bzzz'] as const

type Who = Pick<ModelInit, 'protocol' | 'agents'>

async function idle(who: Who): Promise<Tally> {
  return sum(worldsOf(who.agents), async (seed) => {
    const model = new Model({ ...who, seed, issues: [] })
    model.launch()
    await model.run(settleMs)
    model.take()
    await model.run(hourMs)
    return model.take()
  })
}

/** Ends with the pull request: what is looked for afterwards is not the job's. */
async function job(who: Who, trust: TrustCase): Promise<Tally> {
  return sum(worldsOf(who.agents), async (seed) => {
    const gates = {
      anyone: { trust: 'anyone' },
      person: { labeler: 'person' },
      own: { labeler: 'own' },
      rest: { labeler: 'person', graphql: false },
    } as const
    const issues = [{ atMs: 0, workMs: hourMs }]
    const model = new Model({ ...who, ...gates[trust], seed, issues })
    model.launch()
    await model.run(settleMs - 1)
    model.take()
    await model.run(2 * hourMs, () => model.done() > 0)
    if (model.done() === 0) throw new Error('the job did not end')
    return model.take()
  })
}

async function contest(who: Who, isStream: boolean): Promise<Contest> {
  const result: Contest = { issues: 0, tried: 0, won: 0, pulls: 0, tally: emptyTally() }
  for (let seed = 1; seed <= worldsOf(who.agents); seed += 1) {
    const issues = Array.from({ length: issuesPerHour }, (_, index) => ({
      atMs: isStream ? ((index + 0.37 * (seed % 3)) * hourMs) / issuesPerHour : 0,
      workMs: shortMs[0] + ((index * 7 + seed * 3) % 10) * ((shortMs[1] - shortMs[0]) / 10),
    }))
    const model = new Model({ ...who, seed, issues })
    model.launch()
    await model.run(settleMs - 1)
    model.take()
    await model.run(6 * hourMs, () => model.done() >= issues.length)
    if (model.done() < issues.length) throw new Error('not all issues ended')
    await model.run(afterMs)
    const { tried, won } = model.claims()
    result.issues += issues.length
    result.tried += tried
    result.won += won
    result.pulls += model.world.server.pulls.length
    add(result.tally, model.take())
  }
  return result
}

async function sum(worlds: number, measure: (seed: number) => Promise<Tally>): Promise<Tally> {
  const total = emptyTally()
  for (let seed = 1; seed <= worlds; seed += 1) add(total, await measure(seed))
  return total
}

await bench({ name: 'calls', budgetMs: 240_000, deadlineMs: 900_000 }, async (context) => {
  const rows: Row[] = []
  for (const agents of crowds) {
    for (const protocol of protocols) {
      context.signal.throwIfAborted()
      const who = { protocol, agents }
      const person = await job(who, 'person')
      const isNaive = protocol === 'naive'
      const rest = isNaive
        ? { own: person, anyone: person, rest: person }
        : {
            own: await job(who, 'own'),
            anyone: await job(who, 'anyone'),
            rest: await job(who, 'rest'),
          }
      context.note(`${protocol}, ${agents} agents: job`)
      const quiet = await idle(who)
      context.note(`${protocol}, ${agents} agents: idle`)
      const stream = await contest(who, true)
      const burst = await contest(who, false)
      const row = { ...who, worlds: worldsOf(agents), idle: quiet, stream, burst }
      rows.push({ ...row, job: { person, ...rest } })
      context.note(tables(rows).join('\n'))
    }
  }
  return {
    parts: parts(rows),
    notes: [
      ...tables(rows),
      `settings: poll ${settings.pollMs / 1_000} s, lease ${settings.leaseMs / 60_000} min, stagger ${settings.staggerMs} ms, one slot each.`,
      ...goals(rows),
    ],
    facts: { rows, settings, issuesPerHour },
  }
})
