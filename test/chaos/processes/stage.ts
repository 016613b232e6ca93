/** The stage of a run: a forge with a repository and issues in one temporary directory, and people who meddle. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Octokit } from 'octokit'
import { forge, type Forge, type ForgeComponents } from '../../../src/forge/index.ts'
import { createProcesses, type Processes } from '../../../src/process/index.ts'
import { nullLogger, until } from '../../../src/util/index.ts'
import type { Random } from '../claims/scheduler.ts'
import { trigger, type IssueFacts } from './evidence.ts'
import { keepLedger } from './ledger.ts'

export const owner = 'octo'
export const name = 'mill'
export const repo = `${owner}/${name}`
/** Who takes issues away from agents. */
export const person = 'grace'
const perPage = 100
/** For a call of a person, with everything that goes wrong, ms. */
const patienceMs = 120_000

export type Planned = Pick<IssueFacts, 'number' | 'word' | 'kind'>

export interface Plan {
  kind: Planned['kind']
  ms: number
  /** Words of `needs:` labels. */
  needs?: readonly string[]
}

export interface Stage {
  dir: string
  forge: Forge
  /** The bare repository. */
  bare: string
  /** Where git's hook writes every move. */
  ledger: string
  /** Where chores sign that they run. */
  executions: string
  /** In the order in which they were opened. */
  issues: readonly Planned[]
  /** One more, for whom all of `needs` fits. `ms`: how long its chore takes. */
  openIssue(plan: Plan): Promise<Planned>
  octokit: Octokit
  tokenOf: (login: string) => string
  close(keep: boolean): Promise<void>
}

const tokenOf = (login: string) => `token-of-${login}`

/** Signs, works for a while under signs of life, and leaves its word; or fails. */
const choreOf = (log: string) => `import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
const [word, ms, end] = process.argv.slice(2)
const sign = (what) =>
  appendFileSync(${JSON.stringify(log)}, JSON.stringify([what, word, process.pid, Date.now(), process.cwd()]) + '\\n')
sign('begin')
const beat = setInterval(() => sign('beat'), 200)
await new Promise((resolve) => setTimeout(resolve, Number(ms)))
clearInterval(beat)
if (end === 'fail') {
  sign('end')
  process.exit(3)
}
mkdirSync('notes', { recursive: true })
writeFileSync(\`notes/\${word}.txt\`, \`the word is \${word}\\n\`)
sign('end')
`

const workflow = `---
checks: []
chores:
  note:
    run: [node, chores/note.mjs, '{{word}}', '{{ms}}', '{{end}}']
    arguments:
      word: { type: string, pattern: '^w\\d+$' }
      ms: { type: integer }
      end: { type: string, enum: [write, fail], default: write }
---
Nobody reads this.
`

export async function openStage(init: {
  logins: readonly string[]
  issues: number
  random: Random
  /** Ms of a slow chore. */
  slowMs: [number, number]
  /** Directory to make its own in. Default: the temporary one. */
  within?: string
  onResponse?: ForgeComponents['onResponse']
}): Promise<Stage> {
  const dir = await mkdtemp(join(init.within ?? tmpdir(), 'bzzz-chaos-'))
  const processes = createProcesses({ stateDir: dir, logger: nullLogger })
  const people = [owner, person].map((login) => ({ login, role: 'admin' as const }))
  const agents = init.logins.map((login) => ({ login, role: 'push' as const }))
  const users = [...people, ...agents].map((user) => ({ ...user, token: tokenOf(user.login) }))
  const { onResponse } = init
  const server = forge(
    { dir: join(dir, 'forge'), users, rateLimit: 10_000_000 },
    { processes, ...(onResponse === undefined ? {} : { onResponse }) },
  )
  try {
    await server.start()
    const executions = join(dir, 'executions.jsonl')
    await writeFile(executions, '')
    const from = join(dir, 'seed')
    await mkdir(join(from, 'chores'), { recursive: true })
    await writeFile(join(from, 'WORKFLOW.md'), workflow)
    await writeFile(join(from, 'chores/note.mjs'), choreOf(executions))
    await server.createRepository({ owner, name, from })
    const bare = join(dir, 'forge/repositories', owner, `${name}.git`)
    const ledger = await keepLedger(bare)
    const octokit = new Octokit({
      baseUrl: server.apiUrl,
      auth: tokenOf(owner),
      throttle: { enabled: false },
      retry: { enabled: false },
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    })
    const issues: Planned[] = []
    let opened = 0
    const openIssue = async (plan: Plan) => {
      const planned = await open(octokit, (opened += 1), plan)
      issues.push(planned)
      return planned
    }
    for (let n = 1; n <= init.issues; n += 1) await openIssue(planOf(init))
    return {
      dir,
      forge: server,
      bare,
      ledger,
      executions,
      issues,
      openIssue,
      octokit,
      tokenOf,
      close: async (keep) => closeAll({ server, processes, dir, keep }),
    }
  } catch (error) {
    await closeAll({ server, processes, dir, keep: false })
    throw error
  }
}

const ignore = () => undefined

async function closeAll(parts: {
  server: Forge
  processes: Processes
  dir: string
  keep: boolean
}): Promise<void> {
  await parts.server.stop()
  await parts.processes.stop()
  if (!parts.keep) await rm(parts.dir, { recursive: true, force: true, maxRetries: 3 })
}

function planOf({ random, slowMs }: { random: Random; slowMs: [number, number] }): Plan {
  const luck = random.next()
  const kind = luck < 0.05 ? 'broken' : luck < 0.35 ? 'slow' : 'quick'
  const ms = Math.round(kind === 'slow' ? random.between(...slowMs) : random.between(0, 300))
  return { kind, ms }
}

async function open(octokit: Octokit, n: number, { kind, ms, needs = [] }: Plan): Promise<Planned> {
  const word = `w${n}`
  const end = kind === 'broken' ? 'fail' : 'write'
  const { data } = await octokit.rest.issues.create({
    owner,
    repo: name,
    title: `Write ${word}`,
    body: `\`\`\`bzzz\nchore: note\narguments: { word: ${word}, ms: ${ms}, end: ${end} }\n\`\`\`\n`,
    labels: [trigger, ...needs.map((need) => `needs:${need}`)],
  })
  return { number: data.number, word, kind }
}

/** A person takes an issue, however often that must be said. Returns when GitHub said so. */
export async function personTakes(
  { octokit }: Stage,
  issue_number: number,
  signal: AbortSignal,
): Promise<void> {
  const at = { owner, repo: name, issue_number, assignees: [person] }
  await until(
    `${person} takes #${issue_number}`,
    patienceMs,
    async () =>
      octokit.rest.issues.addAssignees(at).then(
        ({ data }) => data.assignees?.some(({ login }) => login === person) === true,
        () => false,
      ),
    { signal, everyMs: 500 },
  )
}

/** All issues and all pull requests as the API shows them now; may fail while faults are on. */
export async function readForge({ octokit }: Stage) {
  const at = { owner, repo: name, state: 'all', per_page: perPage } as const
  const listed = await octokit.paginate(octokit.rest.issues.listForRepo, at)
  const pulls = await octokit.paginate(octokit.rest.pulls.list, at)
  const issues = listed
    .filter(({ pull_request }) => pull_request === undefined)
    .map((issue) => ({
      number: issue.number,
      open: issue.state === 'open',
      labels: issue.labels.map((label) => (typeof label === 'string' ? label : (label.name ?? ''))),
      assignees: (issue.assignees ?? []).map(({ login }) => login),
    }))
  return { issues, pulls: pulls.map((pull) => ({ ...pull, body: pull.body ?? '' })) }
}

/** What happened to an issue's assignees and labels. */
export async function readEvents({ octokit }: Stage, issue_number: number) {
  const at = { owner, repo: name, issue_number, per_page: perPage }
  const events = await octokit.paginate(octokit.rest.issues.listEvents, at)
  return events.map((event) => ({
    event: event.event,
    at: Date.parse(event.created_at),
    actor: event.actor?.login ?? '',
    assignee: 'assignee' in event ? event.assignee?.login : undefined,
  }))
}

/** The first line of the newest comment: what an agent says when it gives up. */
export async function lastWord({ octokit }: Stage, issue_number: number): Promise<string> {
  const at = { owner, repo: name, issue_number, per_page: perPage }
  const comments = await octokit.paginate(octokit.rest.issues.listComments, at)
  return comments.at(-1)?.body?.split('\n')[0] ?? ''
}

/** Lines of the file in which chores sign. */
export const readSigns = async ({ executions }: Stage) => readFile(executions, 'utf8')
