/**
 * What agents are given to do, without end: chores, chores that ask the others, and work of a coding
 * agent with checkpoints; and people, who merge, close, comment and ask for changes.
 */
import { fileURLToPath } from 'node:url'
import { Octokit } from 'octokit'
import { sleep } from '../../src/util/index.ts'
import { owner, type BenchForge } from '../forge.ts'
import type { Bench } from '../lib.ts'

const robot = fileURLToPath(new URL('../../test/process/fixtures/acp-agent.ts', import.meta.url))
/** Issues that wait or are worked at a time, for each agent. */
const atOnce = 3
/** From an issue's opening until a person closes it, whatever became of it, ms. */
const patienceMs = 120_000
/** Of these issues one asks the others, and two are a coding agent's. */
const cycle = 6
/** Of these pull requests a person asks for changes of one. */
const reviewed = 4

const question = "if (process.env.BZZZ_QUESTION) { console.log('It is 42.'); process.exit(0) }"
const asks =
  "if (!process.env.BZZZ_ADVICE) { console.log('bzzz-ask: What is it?'); process.exit(75) }"
const leave =
  "const fs = require('fs'); fs.mkdirSync('notes', { recursive: true }); fs.writeFileSync('notes/' + process.argv[1] + '.txt', Date.now() + ' done\\n')"
const word = { word: { type: 'string', pattern: '^w\\d+$' } }

export const files = {
  'README.md': 'Notes.\n',
  'WORKFLOW.md': `---\n${JSON.stringify({
    checks: [{ name: 'nothing', run: ['node', '-e', '0'] }],
    chores: {
      note: { run: ['node', '-e', leave, '{{word}}'], arguments: word },
      asking: { run: ['node', '-e', `${question} ${asks} ${leave}`, '{{word}}'], arguments: word },
    },
  })}\n---\nWork on one issue at a time.\n`,
}

/** Configuration of the agents' executors. */
export const work = {
  use: ['command', 'robot'],
  executors: [
    {
      name: 'robot',
      kind: 'acp',
      command: [process.execPath, robot, 'steps', JSON.stringify({ steps: 15, ms: 150 })],
    },
  ],
  readable: [fileURLToPath(new URL('../..', import.meta.url))],
  checkpointMs: 500,
}

/** Its pull requests are closed, not merged: each has the same steps, and finds none of them there. */
const isRobots = (n: number) => n % cycle >= 4

const bodyOf = (n: number) => {
  if (isRobots(n)) return 'One step after the other, please.'
  const chore = n % cycle === 3 ? 'asking' : 'note'
  return `\`\`\`bzzz\nchore: ${chore}\narguments: { word: w${n} }\n\`\`\`\n`
}

export interface Load {
  /** Issues that have ended so far. */
  readonly done: number
  readonly opened: number
  /** Pull requests that were merged; closed; issues that were given up. */
  readonly ends: { merged: number; closed: number; late: number }
  /** Until nothing of it goes on. */
  stop(): Promise<void>
}

interface Open {
  issue: number
  robots: boolean
  at: number
  reviewedAt?: number
  head?: string
}

export function startLoad(
  { signal, note }: Bench,
  forge: BenchForge,
  { repo, agents }: { repo: string; agents: number },
): Load {
  const [, name = ''] = repo.split('/')
  const at = { owner, repo: name }
  const octokit = new Octokit({
    baseUrl: forge.apiUrl,
    auth: forge.token(owner),
    throttle: { enabled: false },
    retry: { enabled: false },
    log: { debug: silent, info: silent, warn: silent, error: silent },
  })
  const { rest } = octokit
  const open = new Map<number, Open>()
  const ends = { merged: 0, closed: 0, late: 0 }
  let opened = 0
  const stopping = new AbortController()
  const until = AbortSignal.any([signal, stopping.signal])

  async function add(): Promise<void> {
    opened += 1
    const issue = { ...at, title: `Do ${opened}`, body: bodyOf(opened), labels: ['bzzz'] }
    const { data } = await rest.issues.create(issue)
    open.set(data.number, { issue: data.number, robots: isRobots(opened), at: Date.now() })
    if (opened % reviewed === 0)
      await rest.issues.createComment({ ...at, issue_number: data.number, body: 'Soon, please.' })
  }

  async function end(one: Open, how: keyof typeof ends): Promise<void> {
    await rest.issues.update({ ...at, issue_number: one.issue, state: 'closed' })
    open.delete(one.issue)
    ends[how] += 1
  }

  /** A person looks at one pull request. */
  async function look(one: Open, pull: { number: number; head: { sha: string } }): Promise<void> {
    const { sha } = pull.head
    if (one.issue % reviewed === 0 && one.reviewedAt === undefined) {
      const review = { event: 'REQUEST_CHANGES', body: 'Write it once more.' } as const
      await rest.pulls.createReview({ ...at, pull_number: pull.number, ...review })
      Object.assign(one, { reviewedAt: Date.now(), head: sha })
      return
    }
    const waits = one.reviewedAt !== undefined && one.head === sha
    if (waits && Date.now() - (one.reviewedAt ?? 0) < patienceMs / 4) return
    const merged =
      !one.robots &&
      (await rest.pulls.merge({ ...at, pull_number: pull.number, merge_method: 'squash' }).then(
        () => true,
        () => false,
      ))
    if (!merged) await rest.pulls.update({ ...at, pull_number: pull.number, state: 'closed' })
    await end(one, merged ? 'merged' : 'closed')
  }

  async function turn(): Promise<void> {
    while (open.size < atOnce * agents && !until.aborted) await add()
    const { data } = await rest.pulls.list({ ...at, state: 'open', per_page: 100 })
    for (const pull of data) {
      const one = open.get(Number(/(\d+)$/.exec(pull.head.ref)?.[1]))
      if (one !== undefined) await look(one, pull)
    }
    for (const one of open.values()) if (Date.now() - one.at > patienceMs) await end(one, 'late')
  }

  const running = (async () => {
    while (!until.aborted) {
      await turn().catch((error: unknown) => note(`a person’s turn failed: ${String(error)}`))
      await sleep(1_000, { signal: until }).catch(() => undefined)
    }
  })()

  return {
    get done() {
      return ends.merged + ends.closed + ends.late
    },
    get opened() {
      return opened
    },
    ends,
    async stop() {
      stopping.abort()
      await running
    },
  }
}

const silent = () => undefined
