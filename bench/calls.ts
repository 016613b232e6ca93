/**
 * What the protocol asks of GitHub: calls and writes per claim, per renewal, per job of an hour and
 * per idle hour, for some numbers of agents on ten repositories, against the naive protocol (list,
 * read the assignees, assign, work, push, pull request) under the same settings. In model time; see
 * `calls-model.ts`. The numbers are exact for their seed and do not depend on the machine.
 *
 *   node bench/calls.ts [most agents]
 */
import {
  add,
  emptyTally,
  Model,
  settings,
  settleMs,
  type Protocol,
  type Tally,
} from './calls-model.ts'
import { argument, bench, type Part } from './lib.ts'

const most = argument(0, { min: 1, max: 200, usual: 50 })
const crowds = [1, 5, 20, 50].filter((agents) => agents <= most)
const repositories = 10
const hourMs = 60 * 60_000
/** Issues of a repository that are open at once, or come one after the other within an hour. */
const crowdIssues = 6
const shortMs = [120_000, 480_000] as const
const protocols = ['naive', 'bzzz'] as const

interface Row {
  agents: number
  protocol: Protocol
  idle: Tally
  /** One issue per repository, an hour of work, from its opening to the pull request. */
  job: Tally
  renewals: number
  spread: Contest
  burst: Contest
}

interface Contest {
  tried: number
  won: number
  /** Pull requests; the naive protocol makes more than one for an issue. */
  pulls: number
  tally: Tally
}

async function idle(protocol: Protocol, agents: number): Promise<Tally> {
  return sum(async (seed) => {
    const model = new Model({ protocol, agents, seed, issues: [] })
    model.launch()
    await model.run(settleMs)
    model.take()
    await model.run(hourMs)
    return model.take()
  })
}

/** Ends with the pull request: what is looked for afterwards is not the job's. */
async function job(protocol: Protocol, agents: number): Promise<Tally> {
  return sum(async (seed) => {
    const model = new Model({ protocol, agents, seed, issues: [{ atMs: 0, workMs: hourMs }] })
    model.launch()
    await model.run(settleMs - 1)
    model.take()
    await model.run(2 * hourMs, () => model.world.server.pulls.length > 0)
    if (model.world.server.pulls.length === 0) throw new Error('the job did not end')
    return model.take()
  })
}

async function contest(protocol: Protocol, agents: number, spread: boolean): Promise<Contest> {
  const result: Contest = { tried: 0, won: 0, pulls: 0, tally: emptyTally() }
  for (let seed = 1; seed <= repositories; seed += 1) {
    const issues = Array.from({ length: crowdIssues }, (_, index) => ({
      atMs: spread ? ((index + 0.37 * (seed % 3)) * hourMs) / crowdIssues : 0,
      workMs: shortMs[0] + ((index * 7 + seed * 3) % 10) * ((shortMs[1] - shortMs[0]) / 10),
    }))
    const model = new Model({ protocol, agents, seed, issues })
    model.launch()
    const { server } = model.world
    await model.run(6 * hourMs, () => server.pulls.length >= issues.length)
    const { tried, won } = model.claims()
    result.tried += tried
    result.won += won
    result.pulls += server.pulls.length
    add(result.tally, model.take())
  }
  return result
}

async function sum(measure: (seed: number) => Promise<Tally>): Promise<Tally> {
  const total = emptyTally()
  for (let seed = 1; seed <= repositories; seed += 1) add(total, await measure(seed))
  return total
}

/** Charged calls without looking for work, per job. */
function perJob({ job: tally }: Row) {
  const phases = [tally.claim, tally.renewal, tally.publication]
  const of = (name: 'rest' | 'writes' | 'git' | 'pushes') =>
    phases.reduce((all, counts) => all + counts[name], 0) / repositories
  return { rest: of('rest'), writes: of('writes'), git: of('git'), pushes: of('pushes') }
}

function partsOf(rows: readonly Row[]): Part[] {
  const each = (title: string, unit: string, measure: (row: Row) => number): Part[] =>
    crowds.map((agents) => ({
      title: `${title}, ${agents} agents × ${repositories} repositories`,
      unit,
      yardstick: 'naive',
      samples: Object.fromEntries(
        rows.filter((row) => row.agents === agents).map((row) => [row.protocol, [measure(row)]]),
      ),
    }))
  return [
    ...each(
      'idle hour, REST calls, 304 or not',
      'calls',
      ({ idle: { discovery } }) => discovery.rest + discovery.notModified,
    ),
    ...each(
      'job of an hour, REST calls beside looking for work',
      'calls',
      (row) => perJob(row).rest,
    ),
  ]
}

const digits = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(2))

function table(rows: readonly Row[]): string[] {
  const heads = [
    'agents',
    'protocol',
    'idle hour',
    '304s',
    'git',
    'claim',
    'writes',
    'pushes',
    'renewal',
    'job',
    'writes',
    'pushes',
    'git',
    'tried/won',
    'at once',
  ]
  const cells = rows.map((row) => {
    const {
      idle: { discovery },
      job: { claim, renewal },
      renewals,
    } = row
    const whole = perJob(row)
    const ratio = ({ tried, won }: Contest) => (won === 0 ? '-' : digits(tried / won))
    return [
      row.agents,
      row.protocol,
      discovery.rest,
      discovery.notModified,
      discovery.git,
      digits(claim.rest / repositories),
      digits(claim.writes / repositories),
      digits(claim.pushes / repositories),
      renewals === 0
        ? '-'
        : `${digits(renewal.rest / renewals)}+${digits(renewal.pushes / renewals)}`,
      digits(whole.rest),
      digits(whole.writes),
      digits(whole.pushes),
      digits(whole.git),
      ratio(row.spread),
      ratio(row.burst),
    ].map(String)
  })
  const widths = heads.map((head, at) =>
    Math.max(head.length, ...cells.map((row) => (row[at] ?? '').length)),
  )
  return [heads, ...cells].map((row) =>
    row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  '),
  )
}

function goals(rows: readonly Row[]): string[] {
  const bzzz = rows.filter(({ protocol }) => protocol === 'bzzz')
  const [few, many] = [bzzz.at(0), bzzz.at(-1)]
  const twenty = bzzz.find(({ agents }) => agents === 20)
  const all = ({ idle: { discovery } }: Row) => discovery.rest + discovery.notModified
  const says = (goal: string, holds: boolean, measured: string) =>
    `goal: ${goal}: ${holds ? 'met' : 'NOT met'}, ${measured}`
  const lines: string[] = []
  for (const row of bzzz) {
    const { rest, writes } = perJob(row)
    const holds = rest <= 4 && writes <= 2
    const measured = `${digits(rest)} with ${digits(writes)}`
    lines.push(
      says(`a job of an hour ≤ 4 REST calls with 2 writes, ${row.agents} agents`, holds, measured),
    )
  }
  if (few !== undefined && many !== undefined && few !== many) {
    const times = all(many) / all(few)
    const measured = `${many.agents} agents ask ${digits(times)} times what ${few.agents} asks`
    lines.push(says('discovery flat in the number of agents', times <= 2, measured))
  }
  if (twenty !== undefined)
    for (const [name, { tried, won }] of [
      ['one after the other', twenty.spread],
      ['all at once', twenty.burst],
    ] as const)
      lines.push(
        says(
          `at most 1.1 claim attempts per claim with 20 agents, issues ${name}`,
          tried / won <= 1.1,
          digits(tried / won),
        ),
      )
  return lines
}

await bench({ name: 'calls', budgetMs: 120_000, deadlineMs: 900_000 }, async (context) => {
  const rows: Row[] = []
  for (const agents of crowds) {
    for (const protocol of protocols) {
      context.signal.throwIfAborted()
      const worked = await job(protocol, agents)
      rows.push({
        agents,
        protocol,
        idle: await idle(protocol, agents),
        job: worked,
        renewals: worked.renewal.pushes,
        spread: await contest(protocol, agents, true),
        burst: await contest(protocol, agents, false),
      })
      context.note(`${protocol}, ${agents} agents`)
    }
  }
  return {
    parts: partsOf(rows),
    notes: [
      ...table(rows),
      `idle hour: all agents on ${repositories} repositories, charged REST calls, 304s and git requests apart; claim, renewal (REST+pushes), job: one issue; git: listings and fetches; tried/won: claims, ${crowdIssues} issues per repository one after the other, and at once.`,
      `settings: poll ${settings.pollMs / 1_000} s, lease ${settings.leaseMs / 60_000} min, stagger ${settings.staggerMs} ms; the trust gate asks who set the label and, every ten minutes, what that person may do.`,
      ...goals(rows),
    ],
    facts: { rows, repositories, settings, crowdIssues },
  }
})
