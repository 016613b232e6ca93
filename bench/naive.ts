/**
 * The yardstick of `issue-to-pull`: what an agent does on GitHub for one issue, as a plain script
 * with octokit and git. It is told the issue, keeps no journal, renews nothing and meets nobody.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Octokit } from 'octokit'
import { environment } from './agents.ts'
import { owner, type BenchForge } from './forge.ts'
import { timed, type Bench } from './lib.ts'

const run = promisify(execFile)
const limitMs = 30_000

export interface Times {
  /** Wall clock, ms since 1970. */
  opened: number
  assigned: number
  pulled: number
  /** Time of the executor and of the checks, ms. */
  work: number
}

export interface NaiveInit {
  repo: string
  issue: number
  login: string
  chore: readonly string[]
  check: readonly string[]
  /** octokit's own pauses between writes; without, as fast as the forge answers. */
  throttled: boolean
}

/** Every run has pauses of its own, as a process of its own would. */
let runs = 0
export function octokitFor(forge: BenchForge, login: string, throttled: boolean): Octokit {
  runs += 1
  const never = () => false
  const pauses = { id: `run-${runs}`, onRateLimit: never, onSecondaryRateLimit: never }
  return new Octokit({
    baseUrl: forge.apiUrl,
    auth: forge.token(login),
    throttle: throttled ? pauses : { enabled: false },
  })
}

/** From the issue to the pull request: the protocol's calls and pushes, one after the other. */
export async function naive(
  bench: Bench,
  forge: BenchForge,
  init: NaiveInit,
): Promise<Pick<Times, 'assigned' | 'pulled' | 'work'>> {
  const { repo: fullName, issue: issue_number, login, chore, check, throttled } = init
  const { rest } = octokitFor(forge, login, throttled)
  const repo = fullName.split('/')[1] ?? ''
  const at = { owner, repo, issue_number, request: { signal: bench.signal } }
  const dir = await mkdtemp(join(bench.dir, 'naive-'))
  const env = { ...environment(bench), ...gitSettings(forge.token(login)) }
  const options = { cwd: dir, env, timeout: limitMs, signal: bench.signal }
  const git = async (...args: string[]) => (await run('git', args, options)).stdout.trim()
  const command = ([file = '', ...args]: readonly string[]) => run(file, args, options)
  const record = async (tree: string, message: string, ...parents: string[]) =>
    git('commit-tree', tree, '-m', message, ...parents.flatMap((parent) => ['-p', parent]))
  try {
    await git('init', '--quiet', '--initial-branch', 'main', '.')
    await git('remote', 'add', 'origin', `${forge.url}/${fullName}.git`)
    const tree = await git('hash-object', '-t', 'tree', '-w', '/dev/null')
    const claimRef = `refs/bzzz/claims/${issue_number}`
    const branch = `refs/heads/bzzz/issue-${issue_number}`

    const { data: found } = await rest.issues.get(at)
    const held = await record(tree, 'held')
    await git(
      'push',
      '--quiet',
      '--atomic',
      `--force-with-lease=${claimRef}:`,
      'origin',
      `${held}:${claimRef}`,
    )
    await rest.issues.addAssignees({ ...at, assignees: [login] })
    const assigned = Date.now()

    await git('fetch', '--quiet', 'origin', 'main')
    await git('checkout', '--quiet', '-B', 'work', 'FETCH_HEAD')
    const chored = await timed(() => command(chore))
    await git('add', '--all')
    await git('commit', '--quiet', '-m', `${found.title} (#${issue_number})`)
    const checked = await timed(() => command(check))

    await rest.issues.get(at)
    const head = await git('rev-parse', 'HEAD')
    const done = await record(tree, 'done', held)
    const leases = [`--force-with-lease=${claimRef}:${held}`, `--force-with-lease=${branch}:`]
    await git(
      'push',
      '--quiet',
      '--atomic',
      ...leases,
      'origin',
      `${done}:${claimRef}`,
      `${head}:${branch}`,
    )
    await rest.pulls.create({
      ...at,
      head: branch.slice('refs/heads/'.length),
      base: 'main',
      title: `${found.title} (#${issue_number})`,
      body: `Closes #${issue_number}`,
    })
    return { assigned, pulled: Date.now(), work: chored + checked }
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** The token goes by the environment, as git has it: not by arguments or files. */
function gitSettings(token: string): Record<string, string> {
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64')
  const settings = {
    'http.extraHeader': `Authorization: Basic ${basic}`,
    'user.name': 'naive',
    'user.email': 'naive@localhost',
  }
  const pairs = Object.entries(settings).map(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return {
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: String(pairs.length),
    ...(Object.fromEntries(pairs.flat()) as Record<string, string>),
  }
}
