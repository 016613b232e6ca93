/**
 * The stage of `issue-to-pull` and `claim-latency`: the forge's repository with a quick chore, real
 * agents, the plain script, and what journals and forge say of one issue.
 */
import { sleep, until } from '../src/util/index.ts'
import { newMeshName, prepareAgent, startAgent, type BenchAgent } from './agents.ts'
import { owner, type BenchForge } from './forge.ts'
import type { Bench } from './lib.ts'
import { naive, octokitFor, type Times } from './naive.ts'

export const crowd = ['ada', 'bo', 'cleo', 'dara']
export const script = 'script'
/** How often an agent looks at the issues, ms: that of the demo; 30 s unless configured. */
export const pollMs = 1_000
/** octokit's pause between two pull requests, ms, with a margin: earlier rounds must not slow later ones. */
const quietMs = 3_500
const limitMs = 40_000

export const chore = [process.execPath, '-e', "require('fs').appendFileSync('log.txt', 'done\\n')"]
export const check = [process.execPath, '-e', '0']
export const files = {
  'log.txt': 'begin\n',
  'WORKFLOW.md': `---\n${JSON.stringify({
    checks: [{ name: 'nothing', run: check }],
    chores: { touch: { run: chore } },
  })}\n---\nWork on one issue at a time.\n`,
}
const body = '```bzzz\nchore: touch\n```\n'

/** One issue, worked. */
export interface Worked extends Times {
  /** When the first claim was tried. */
  tried: number
  requests: { rest: number; git: number }
  lost: number
}

/** Agents and script on one repository of one forge. */
export class Stage {
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
  async open(labels: string[]): Promise<{ issue: number; opened: number }> {
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
  async close(issue_number: number): Promise<void> {
    await this.#octokit.rest.issues.update({
      owner,
      repo: this.#name,
      issue_number,
      state: 'closed',
    })
  }

  async byScript(throttled: boolean): Promise<Worked> {
    const { issue, opened } = await this.open([])
    const init = { repo: this.repo, issue, login: script, chore, check, throttled }
    const times = await naive(this.bench, this.forge, init)
    await this.close(issue)
    const requests = this.#requests(opened, times.pulled)
    return { ...times, opened, tried: opened, requests, lost: 0 }
  }

  async byAgents(count: number): Promise<Worked[]> {
    const { signal } = this.bench
    await sleep(Math.max(0, this.#lastPull + quietMs - Date.now()), { signal })
    const opened: { issue: number; opened: number }[] = []
    for (let n = 0; n < count; n += 1) opened.push(await this.open(['bzzz']))
    await until(
      `${count} pull requests`,
      limitMs,
      () => this.#answers('POST', '/pulls', opened[0]?.opened).length >= count,
      { signal },
    )
    const worked = await Promise.all(opened.map((one) => this.read(one)))
    this.#lastPull = Math.max(...worked.map(({ pulled }) => pulled))
    for (const { issue } of opened) await this.close(issue)
    return worked
  }

  /** What the journals and the forge say about one issue. */
  async read({ issue, opened }: { issue: number; opened: number }): Promise<Worked> {
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
