/**
 * Issue opened → claimed (assigned) → pull request open, less the time of the executor and of the
 * checks, with one agent, with four, and with four issues opened at once. Everything is real:
 * `bzzz up`, octokit, git over HTTP, the embedded forge. Yardstick, in turns with the agents: the
 * same calls and pushes by a plain script (`naive.ts`), with octokit's pauses between writes (at
 * least 1 s, 3 s between pull requests), which agents keep, too; and without them, for what the
 * forge and git take themselves.
 *
 *   node bench/issue-to-pull.ts [rounds]
 */
import { sleep, until } from '../src/util/index.ts'
import { newMeshName, prepareAgent, startAgent, stopAll, type BenchAgent } from './agents.ts'
import { owner, startForge, type BenchForge } from './forge.ts'
import { argument, bench, median, type Bench, type Part, type Samples } from './lib.ts'
import { naive, octokitFor, type Times } from './naive.ts'

const rounds = argument(0, { min: 1, max: 20, usual: 5 })
const crowd = ['ada', 'bo', 'cleo', 'dara']
const script = 'script'
/** How often an agent looks at the issues, ms: that of the demo; 30 s unless configured. */
const pollMs = 1_000
/** octokit's pause between two pull requests, ms, with a margin: earlier rounds must not slow later ones. */
const quietMs = 3_500
const limitMs = 40_000

const chore = [process.execPath, '-e', "require('fs').appendFileSync('log.txt', 'done\\n')"]
const check = [process.execPath, '-e', '0']
const files = {
  'log.txt': 'begin\n',
  'WORKFLOW.md': `---\n${JSON.stringify({
    checks: [{ name: 'nothing', run: check }],
    chores: { touch: { run: chore } },
  })}\n---\nWork on one issue at a time.\n`,
}
const body = '```bzzz\nchore: touch\n```\n'

const plain = 'plain script, no pauses'
const polite = 'plain script, octokit’s pauses'

/** One issue, worked. */
interface Worked extends Times {
  /** When the first claim was tried. */
  tried: number
  requests: { rest: number; git: number }
  lost: number
}

class Stage {
  readonly bench: Bench
  readonly forge: BenchForge
  readonly repo: string
  readonly agents: BenchAgent[] = []
  readonly #octokit
  #lastPull = 0

  constructor(context: Bench, forge: BenchForge, repo: string) {
    this.bench = context
    this.forge = forge
    this.repo = repo
    this.#octokit = octokitFor(forge, owner, false)
  }

  async startAgents(names: readonly string[]): Promise<void> {
    const meshName = newMeshName()
    for (const name of names) {
      const github = { apiUrl: this.forge.apiUrl, repos: [this.repo], pollMs }
      const config = { github, work: { use: ['command'] } }
      const token = this.forge.token(name)
      const init = { name, meshName, role: 'worker', config, token } as const
      this.agents.push(startAgent(this.bench, await prepareAgent(this.bench, init)))
    }
    await Promise.all(this.agents.map(({ up }) => up))
    const { signal } = this.bench
    await until(
      'the agents to meet and to read the repository',
      limitMs,
      async () => {
        const all = await Promise.all(this.agents.map(({ api }) => api.status()))
        return all.every(
          ({ mesh, github }) =>
            mesh.connected === names.length - 1 && github.repos.every((repo) => repo.ok),
        )
      },
      { signal, everyMs: 200 },
    )
  }

  /** Agents take an issue only with the label. */
  async #open(labels: string[]): Promise<{ issue: number; opened: number }> {
    const { data } = await this.#octokit.rest.issues.create({
      owner,
      repo: this.#name,
      title: 'Add a line',
      body,
      labels,
    })
    return { issue: data.number, opened: Date.now() }
  }

  /** A closed issue is not listed any more, so that idle agents stay idle. */
  async #close(issue_number: number): Promise<void> {
    await this.#octokit.rest.issues.update({
      owner,
      repo: this.#name,
      issue_number,
      state: 'closed',
    })
  }

  async byScript(throttled: boolean): Promise<Worked> {
    const { issue, opened } = await this.#open([])
    const init = { repo: this.repo, issue, login: script, chore, check, throttled }
    const times = await naive(this.bench, this.forge, init)
    await this.#close(issue)
    const requests = this.#requests(opened, times.pulled)
    return { ...times, opened, tried: opened, requests, lost: 0 }
  }

  async byAgents(count: number): Promise<Worked[]> {
    const { signal } = this.bench
    await sleep(Math.max(0, this.#lastPull + quietMs - Date.now()), { signal })
    const opened: { issue: number; opened: number }[] = []
    for (let n = 0; n < count; n += 1) opened.push(await this.#open(['bzzz']))
    await until(
      `${count} pull requests`,
      limitMs,
      () => this.#answers('POST', '/pulls', opened[0]?.opened).length >= count,
      { signal },
    )
    const worked = await Promise.all(opened.map((one) => this.#read(one)))
    this.#lastPull = Math.max(...worked.map(({ pulled }) => pulled))
    for (const { issue } of opened) await this.#close(issue)
    return worked
  }

  /** What the journals and the forge say about one issue. */
  async #read({ issue, opened }: { issue: number; opened: number }): Promise<Worked> {
    const own = async ({ api, name }: BenchAgent) =>
      Array.fromAsync(api.logs({ agent: name, task: { repo: this.repo, issue } }))
    const entries = await until(
      `the end of issue ${issue} in a journal`,
      limitMs,
      async () => {
        const all = (await Promise.all(this.agents.map(own))).flat()
        return all.some(({ type }) => type === 'task.done') && all
      },
      { signal: this.bench.signal, everyMs: 50 },
    )
    let [tried, pulled, work, lost] = [Number.POSITIVE_INFINITY, Number.NaN, 0, 0]
    for (const entry of entries) {
      if (entry.type === 'claim.tried') tried = Math.min(tried, entry.time)
      if (entry.type === 'pull.opened') pulled = entry.time
      if (entry.type === 'claim.lost') lost += 1
      if (entry.type === 'executor.ended' || entry.type === 'check.run') work += entry.durationMs
    }
    const assigned = this.#answers('POST', `/issues/${issue}/assignees`, opened).at(-1)?.at
    const requests = this.#requests(opened, pulled)
    return { opened, tried, assigned: assigned ?? Number.NaN, pulled, work, lost, requests }
  }

  get #name(): string {
    return this.repo.split('/')[1] ?? ''
  }

  #answers(method: string, end: string, since = 0) {
    return this.forge.seen.filter(
      (one) =>
        one.at >= since && one.method === method && one.status === 201 && one.path.endsWith(end),
    )
  }

  #requests(from: number, to: number): Worked['requests'] {
    const within = this.forge.seen.filter(({ at }) => at >= from && at <= to)
    const git = within.filter(({ path }) => /\.git\//.test(path)).length
    return { rest: within.length - git, git }
  }
}

type Runs = Record<string, Worked[]>

function partsOf(title: string, all: Runs): Part[] {
  const of = (measure: (one: Worked) => number): Samples =>
    Object.fromEntries(Object.entries(all).map(([name, list]) => [name, list.map(measure)]))
  const part = (what: string, measure: (one: Worked) => number): Part => ({
    title: `${title}, ${what}`,
    unit: 'ms',
    yardstick: polite,
    samples: of(measure),
  })
  return [
    part('issue opened → assigned', ({ opened, assigned }) => assigned - opened),
    part(
      'assigned → pull request, less executor and checks',
      ({ assigned, pulled, work }) => pulled - assigned - work,
    ),
    part(
      'issue opened → pull request, less executor and checks',
      ({ opened, pulled, work }) => pulled - opened - work,
    ),
  ]
}

function notesOf(title: string, all: Runs): string[] {
  const middle = (list: Worked[], measure: (one: Worked) => number) =>
    Math.round(median(list.map(measure)))
  return Object.entries(all).map(([name, list]) => {
    const wait = middle(list, ({ opened, tried }) => tried - opened)
    const work = middle(list, (one) => one.work)
    const rest = middle(list, ({ requests }) => requests.rest)
    const git = middle(list, ({ requests }) => requests.git)
    const lost = list.reduce((sum, one) => sum + one.lost, 0)
    return `${title} / ${name}: first claim tried after ${wait} ms; executor and checks ${work} ms; ${rest} REST, ${git} git requests of all meanwhile; ${lost} lost claims in all`
  })
}

await bench({ name: 'issue-to-pull', budgetMs: 70_000, deadlineMs: 130_000 }, async (context) => {
  const forge = await startForge(context, { users: ['solo', ...crowd, script] })
  const settings = [
    { name: 'one agent', logins: ['solo'], atOnce: 0, until: 0.4, end: 0.4 },
    { name: 'four agents', logins: crowd, atOnce: 4, until: 0.8, end: 1 },
  ]
  const parts: Part[] = []
  const notes: string[] = []
  try {
    for (const { name, logins, atOnce, until: part, end } of settings) {
      const repo = await forge.repository(name.replace(' ', '-'), files)
      const stage = new Stage(context, forge, repo)
      const all: Runs = { [plain]: [], [polite]: [], [name]: [] }
      try {
        await stage.startAgents(logins)
        for (let round = 0; round < rounds && (round === 0 || context.used() < part); round += 1) {
          all[plain]?.push(await stage.byScript(false))
          all[polite]?.push(await stage.byScript(true))
          all[name]?.push(...(await stage.byAgents(1)))
          context.note(`${name}, round ${round + 1} of ${rounds}`)
        }
        if (atOnce > 0) {
          const label = `${name}, ${atOnce} issues at once`
          all[label] = []
          for (let round = 0; round < rounds && (round === 0 || context.used() < end); round += 1) {
            all[label].push(...(await stage.byAgents(atOnce)))
          }
        }
      } finally {
        await stopAll(stage.agents.map(({ guest }) => guest))
      }
      parts.push(...partsOf(name, all))
      notes.push(...notesOf(name, all))
    }
  } finally {
    await forge.stop()
  }
  return {
    parts,
    notes: [
      'With … up / measured (medians):',
      ...notes,
      `Agents look every ${pollMs} ms (30 s unless configured) and wait half of that on average; the script is told the issue.`,
      'octokit’s throttling pauses agents and the polite script alike: at least 1 s between assigning and the pull request. The executor’s time may lie in that pause, so subtracting it can show less than 1 s.',
    ],
    facts: { rounds, pollMs, chore, check },
  }
})
