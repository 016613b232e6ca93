/** The calls as people read them: two tables, the goals, and the parts for the ratios. */
import { jobOf, type Counts, type Tally } from './calls-count.ts'
import type { Protocol } from './calls-model.ts'
import type { Part } from './lib.ts'

/**
 * Who may have made an issue a task: somebody who may triage, the agents' own account, anyone; and the
 * first of them where REST alone answers.
 */
export type TrustCase = 'person' | 'own' | 'anyone' | 'rest'

/** Repositories of which the tables speak; what an idle hour costs is scaled to them. */
const repositories = 10

/** All counts are sums over the repositories that were measured. */
export interface Row {
  agents: number
  protocol: Protocol
  worlds: number
  idle: Tally
  /** One issue per repository, an hour of work, from its opening to the pull request. */
  job: Readonly<Record<TrustCase, Tally>>
  /** Ten issues in an hour, one after the other, labelled by one person; and ten minutes more. */
  stream: Contest
  /** The same issues, all at once. */
  burst: Contest
}

export interface Contest {
  issues: number
  /** Claims; the naive protocol has none. */
  tried: number
  won: number
  /** Pull requests; the naive protocol makes more than one for an issue. */
  pulls: number
  tally: Tally
}

const digits = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(2))
const ratio = ({ tried, won }: Contest) => (won === 0 ? '-' : digits(tried / won))
const scaled = (value: number, { worlds }: Row) => Math.round((value * repositories) / worlds)
const looks = (row: Row) => scaled(row.idle.discovery.rest + row.idle.discovery.notModified, row)
const crowdOf = ({ agents }: Row) => `${agents} agents × ${repositories} repositories`

export function parts(rows: readonly Row[]): Part[] {
  const each = (title: string, measure: (row: Row) => number): Part[] =>
    rows
      .filter(({ protocol }) => protocol === 'naive')
      .map((naive) => ({
        title: `${title}, ${crowdOf(naive)}`,
        unit: 'calls',
        yardstick: 'naive',
        samples: Object.fromEntries(
          rows
            .filter(({ agents }) => agents === naive.agents)
            .map((row) => [row.protocol, [measure(row)]]),
        ),
      }))
  return [
    ...each('idle hour, REST calls, 304 or not', looks),
    ...each(
      'all REST calls about an issue, of ten in an hour',
      ({ stream }) => (jobOf(stream.tally).rest + stream.tally.others.rest) / stream.issues,
    ),
  ]
}

/** What the design foresaw, §3: with the git transport, without a question of trust. */
const design = {
  idle: { agents: 20, naive: 24_000, bzzz: 2_400 },
  job: { rest: 4, writes: 2, pushes: 7 },
}

export function tables(rows: readonly Row[]): string[] {
  const { idle, job } = design
  const foreseen = (protocol: Protocol) => [
    idle.agents,
    `${protocol}, design`,
    idle[protocol],
    ...Array.from({ length: 5 }, () => ''),
    ...(protocol === 'naive' ? [] : ['', '', job.rest, '', job.writes, job.pushes]),
  ]
  const first = [
    ['agents', 'protocol', 'idle hour', '304s', 'git', 'claim', 'writes', 'renewal'],
    ['triage', 'own', 'anyone', 'REST', 'writes', 'pushes', 'git', 'others'],
  ].flat()
  const second = [
    ['agents', 'protocol', 'job', 'writes', 'others', 'looks', '304s', 'git'],
    ['tried/won', 'pulls', 'at once', 'pulls'],
  ].flat()
  return [
    'an idle hour, and one job of an hour:',
    ...align([first, ...rows.map(quiet), foreseen('naive'), foreseen('bzzz')]),
    'idle hour: REST calls of all agents on ten repositories (of which ten are measured with 1 and 5 agents, four with 20, two with 50), those answered with 304 again apart, and git requests. claim, renewal (REST+pushes), job: of who works the issue, per issue; job by who set the label: somebody who may triage and was not asked about before, the agents’ own account or the owner of the repository, with github.trust: anyone, and by the first where REST alone answers (elsewhere one GraphQL query counts as a call). others: calls of all other agents about the issue.',
    'ten issues in an hour that one person labelled, and the same at once, per issue:',
    ...align([second, ...rows.map(busy)]),
    'looks, git: of all agents, listings and reads of refs that belong to no issue; looks are charged, 304s are not. tried/won: claims. pulls: pull requests per issue.',
  ]
}

function quiet(row: Row) {
  const { agents, protocol, worlds } = row
  const { notModified, git } = row.idle.discovery
  const { person, own, anyone, rest } = row.job
  const per = (value: number) => digits(value / worlds)
  const { claim, renewal, others } = person
  const whole = jobOf(person)
  const renewals = renewal.pushes
  return [
    [agents, protocol, looks(row), scaled(notModified, row), scaled(git, row)],
    [per(claim.rest), per(claim.writes)],
    [renewals === 0 ? '-' : `${digits(renewal.rest / renewals)}+1`],
    [person, own, anyone, rest].map((tally) => per(jobOf(tally).rest)),
    [per(whole.writes), per(whole.pushes), per(whole.git), per(others.rest)],
  ].flat()
}

function busy({ agents, protocol, stream, burst }: Row) {
  const { discovery, others } = stream.tally
  const per = (value: number) => digits(value / stream.issues)
  const whole: Counts = jobOf(stream.tally)
  return [
    [agents, protocol, per(whole.rest), per(whole.writes), per(others.rest)],
    [per(discovery.rest), per(discovery.notModified), per(discovery.git)],
    [ratio(stream), digits(stream.pulls / stream.issues)],
    [ratio(burst), digits(burst.pulls / burst.issues)],
  ].flat()
}

function align(lines: readonly (readonly (string | number)[])[]): string[] {
  const width = (at: number) => Math.max(...lines.map((line) => String(line[at] ?? '').length))
  return lines.map((line) => line.map((cell, at) => String(cell).padStart(width(at))).join('  '))
}

const most = { rest: 4, writes: 2, attempts: 1.1, growth: 2 }

export function goals(rows: readonly Row[]): string[] {
  const bzzz = rows.filter(({ protocol }) => protocol === 'bzzz')
  const says = (goal: string, holds: boolean, measured: string) =>
    `goal: ${goal}: ${holds ? 'met' : 'NOT met'}, ${measured}`
  const lines: string[] = []
  const gates = {
    person: 'labelled by somebody who may triage',
    own: 'labelled by the own account or the owner',
    anyone: 'without the trust gate',
  }
  for (const trust of Object.keys(gates) as (keyof typeof gates)[])
    for (const row of bzzz) {
      const { rest, writes } = jobOf(row.job[trust])
      const [calls, written] = [rest / row.worlds, writes / row.worlds]
      const holds = calls <= most.rest && written <= most.writes
      const goal = `a job of an hour ≤ ${most.rest} calls with ${most.writes} writes, ${row.agents} agents, ${gates[trust]}`
      lines.push(says(goal, holds, `${digits(calls)} with ${digits(written)}`))
    }
  const [few, many] = [bzzz.at(0), bzzz.at(-1)]
  if (few !== undefined && many !== undefined && few !== many) {
    const times = looks(many) / looks(few)
    const measured = `${many.agents} agents ask ${digits(times)} times what ${few.agents} asks`
    const goal = `discovery flat in the number of agents (at most ${most.growth} times)`
    lines.push(says(goal, times <= most.growth, measured))
  }
  const twenty = bzzz.find(({ agents }) => agents === 20)
  for (const name of ['stream', 'burst'] as const) {
    if (twenty === undefined) continue
    const { tried, won } = twenty[name]
    const how = name === 'stream' ? 'one after the other' : 'all at once'
    const goal = `at most ${most.attempts} claim attempts per claim with 20 agents, issues ${how}`
    lines.push(says(goal, tried / won <= most.attempts, digits(tried / won)))
  }
  return lines
}
