/** Several agents' tasks in one process, over the real forge and real git; the mesh is a list of listeners, the work a commit. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Octokit } from 'octokit'
import { forge, type Forge, type ForgeFaultHandle } from '../../src/forge/index.ts'
import type { EntryInput, LoggedEntry } from '../../src/journal/index.ts'
import { createGit, createProcesses, type Git, type Processes } from '../../src/process/index.ts'
import { createTasks, type HelpDesk, type Tasks, type TasksInit } from '../../src/tasks/index.ts'
import { createGitHub } from '../../src/tasks/github/github.ts'
import type { PullDetail } from '../../src/tasks/github/review-calls.ts'
import type { TasksWork, Topic, WorkOutcome } from '../../src/tasks/needs.ts'
import { nullLogger } from '../../src/util/index.ts'
import { onResponse } from './observer.ts'

export const owner = 'octo'

export interface Member {
  name: string
  tasks: Tasks
  entries: LoggedEntry[]
  /** Times that each issue was worked. */
  worked: number[]
}

export interface MemberInit extends Partial<TasksInit> {
  name: string
  repos: string[]
  offers?: string[]
  /** What the work changes, by path; null removes. Default: nothing, in a commit of its own. */
  edit?: (order: Parameters<TasksWork['run']>[0]) => Record<string, string> | Error | null
  /** Last words of the executor. Default: none. */
  summary?: string
  /** A dead one reaches no git remote any more; the mesh forgets it by hand. */
  alive?: { dead: boolean }
  /** Whom it asks for help. Default: nobody. */
  desk?: HelpDesk
  /** What its executors say, in the place of an executor. Default: that one can. */
  choose?: () => ReturnType<TasksWork['choose']>
  /** A pull request as GitHub shows it to this agent. Default: as it is. */
  sees?: (pull: PullDetail) => PullDetail
  /** Orders without an executor, in order. */
  checked?: number[]
  /** Resolves when the work at an issue is to end. Default: at once. */
  until?: (issue: number) => Promise<void>
}

type GitHubCalls = ReturnType<typeof createGitHub>

const signatureOf = (peerId: string, data: Uint8Array) => Buffer.from(`${peerId} ${data.length}`)

export class TasksWorld {
  readonly dir: string
  readonly forge: Forge
  readonly octokit: Octokit
  readonly processes: Processes
  readonly members = new Map<string, Member & { init: MemberInit }>()
  readonly #heard = new Map<string, Set<(message: never, from: string) => void>>()

  private constructor(dir: string, server: Forge, processes: Processes) {
    this.dir = dir
    this.forge = server
    this.processes = processes
    const throttle = { enabled: false }
    this.octokit = new Octokit({ baseUrl: server.apiUrl, auth: 'token-octo', throttle })
  }

  static async make(): Promise<TasksWorld> {
    const dir = await mkdtemp(join(tmpdir(), 'bzzz-tasks-'))
    const processes = createProcesses({ stateDir: dir, logger: nullLogger })
    const users = ['octo', 'grace', 'a0', 'a1', 'a2', 'a3', 'a4'].map((login) => ({
      login,
      token: `token-${login}`,
      role: login === owner ? ('admin' as const) : ('push' as const),
    }))
    users.push({ login: 'mallory', token: 'token-mallory', role: 'read' as never })
    const server = forge({ dir: join(dir, 'forge'), users }, { processes, onResponse })
    await server.start()
    return new TasksWorld(dir, server, processes)
  }

  async repository(name: string): Promise<string> {
    await this.forge.createRepository({ owner, name, from: import.meta.dirname })
    return `${owner}/${name}`
  }

  async issue(repo: string, more: object = {}): Promise<number> {
    const at = { owner, repo: repo.split('/')[1]! }
    const issue = { title: 'T', labels: ['bzzz'], ...more }
    return (await this.octokit.rest.issues.create({ ...at, ...issue })).data.number
  }

  async pulls(repo: string) {
    const at = { owner, repo: repo.split('/')[1]!, state: 'all' as const }
    return (await this.octokit.rest.pulls.list(at)).data
  }

  /** Counts requests from now on. */
  counting(path?: RegExp): ForgeFaultHandle {
    const at = path === undefined ? {} : { path }
    return this.forge.faults.add({ fault: { kind: 'latency', ms: 0 }, ...at })
  }

  #topic<T>(name: string, self: string): Topic<T> {
    return {
      publish: async (message) => {
        for (const [key, handlers] of this.#heard) {
          if (key.split(' ')[1] !== name || key.startsWith(`${self} `)) continue
          for (const handler of handlers) setImmediate(() => handler(message as never, self))
        }
      },
      subscribe: (handler) => {
        const key = `${self} ${name}`
        const set = this.#heard.get(key) ?? new Set()
        this.#heard.set(key, set.add(handler))
        return () => void set.delete(handler)
      },
    }
  }

  async agent(init: MemberInit): Promise<Member> {
    const { name, repos, offers = [], until = async () => undefined, ...rest } = init
    const { edit, alive, summary = '', choose, sees, checked, desk, ...more } = rest
    const git = createGit({ processes: this.processes })
    const entries: LoggedEntry[] = []
    const worked: number[] = []
    const tasksTopic = this.#topic<never>('tasks', name)
    const own = { peerId: name, name, repositories: repos, offers: new Set(offers) }
    const journal = {
      head: () => ({ key: name, epoch: 0, length: entries.length }),
      async append(entry: EntryInput) {
        const stamp = { v: 1 as const, epoch: 0, seq: entries.length, time: Date.now() }
        entries.push({ ...entry, ...stamp, agent: name } as unknown as LoggedEntry)
        return { ...entry, ...stamp }
      },
      async *read({ types }: { types?: readonly string[] }) {
        for (const entry of entries) if (types?.includes(entry.type) ?? true) yield entry
      },
      async *tail() {
        // Nobody follows a journal here.
      },
    }
    const mesh = {
      peerId: name,
      incarnation: '0'.repeat(32),
      sign: async (data: Uint8Array) => signatureOf(name, data),
      candidates: () =>
        [...this.members.values()]
          .filter((other) => other.name !== name)
          .map((other) => ({
            peerId: other.name,
            name: other.name,
            repositories: other.init.repos,
            offers: new Set(other.init.offers),
            freeSlots: other.tasks.slots().total - other.tasks.slots().used,
          })),
      tell: (message: never) => tasksTopic.publish(message),
      heard: (handler: never) => tasksTopic.subscribe(handler),
      issues: this.#topic<never>('issues', name),
      limits: this.#topic<never>('limits', name),
    }
    const work: TasksWork = {
      readPolicy: async () => ({ requiredLabels: [] }),
      choose: () => choose?.() ?? { executor: 'fake' },
      run: async (order, _, { signal }) => {
        const { number } = order.issue
        const { gitDir, base, resume } = order.source
        const isChecked = order.only === 'checks'
        ;(isChecked ? (checked ?? []) : worked).push(number)
        const stopped = new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        )
        await Promise.race([until(number), stopped])
        const env = Object.fromEntries(
          ['AUTHOR', 'COMMITTER'].flatMap((who) => [
            [`GIT_${who}_NAME`, name],
            [`GIT_${who}_EMAIL`, 'x@x'],
          ]),
        )
        const start = resume ?? base
        const files = isChecked ? null : edit?.(order)
        const failure = files instanceof Error ? files.message : undefined
        const changes = files === null || files instanceof Error ? {} : (files ?? {})
        const tree = await treeOf(git, gitDir, start, changes)
        const args = ['commit-tree', tree, '-p', start, '-m', `work ${number}`]
        const head = files === null ? start : (await git(args, { cwd: gitDir, env })).trim()
        await git(['update-ref', `refs/made/${number}`, head], { cwd: gitDir })
        const made = { gitDir, head, files: [], summary }
        const common = { checks: [], executor: 'fake', durationMs: 1 }
        const outcome =
          failure !== undefined && !signal.aborted
            ? { outcome: 'failed', code: 'CHECKS_FAILED', reason: failure, tried: ['it'] }
            : signal.aborted
              ? { outcome: 'failed', code: 'ABORTED', reason: 'stopped', tried: [] }
              : { outcome: 'changed', ...made }
        return { ...common, ...outcome, dispose: async () => undefined } as unknown as WorkOutcome
      },
    }
    const tasks = createTasks(
      {
        dir: join(this.dir, name),
        name,
        apiUrl: this.forge.apiUrl,
        token: `token-${name}`,
        userAgent: 'test',
        repos,
        trust: 'anyone',
        trigger: 'bzzz',
        failed: 'bzzz:failed',
        priority: [],
        branchPrefix: 'bzzz/issue-',
        refPrefix: 'refs/bzzz/claims/',
        leaseMs: 60_000,
        staggerMs: 100,
        pollMs: 200,
        maxAttempts: 3,
        slots: 1,
        ...more,
      },
      {
        journal,
        mesh,
        work,
        git: async (args, options) => {
          if (alive?.dead === true) throw new Error('no connection')
          return git(args, { ...options, allowFile: true })
        },
        verify: async (peerId, data, signature) => signatureOf(peerId, data).equals(signature),
        logger: nullLogger,
        self: () => own,
        ...(desk === undefined ? {} : { help: desk }),
        onChange: () => undefined,
        // octokit's pauses between writes are those of all agents of a process together.
        ...(more.feedback === undefined
          ? {}
          : { connect: (to, parts) => seeing(createGitHub({ ...to, pace: false }, parts), sees) }),
      },
    )
    const member = { name, tasks, entries, worked, init }
    this.members.set(name, member)
    await tasks.start()
    return member
  }

  /** Like a killed process to the others: gone from the mesh, silent. */
  async leave(name: string): Promise<void> {
    const member = this.members.get(name)
    this.members.delete(name)
    await member?.tasks.stop()
  }

  async close(): Promise<void> {
    this.forge.faults.clear()
    await Promise.all([...this.members.keys()].map((name) => this.leave(name)))
    await this.forge.stop()
    await this.processes.stop()
    await rm(this.dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** The same, but for what it shows of pull requests. */
function seeing(github: GitHubCalls, sees: MemberInit['sees']): GitHubCalls {
  const { reviews } = github
  if (sees === undefined || reviews === undefined) return github
  const pull: typeof reviews.pull = async (...asked) => sees(await reviews.pull(...asked))
  return { ...github, reviews: { ...reviews, pull } }
}

async function treeOf(
  git: Git,
  gitDir: string,
  start: string,
  files: Record<string, string>,
): Promise<string> {
  const env = { GIT_INDEX_FILE: join(gitDir, `index-${Math.random()}`) }
  const run = async (args: string[], input?: string) =>
    (await git(args, { cwd: gitDir, env, ...(input === undefined ? {} : { input }) })).trim()
  await run(['read-tree', start])
  for (const [path, text] of Object.entries(files)) {
    const oid = await run(['hash-object', '-w', '--stdin'], text)
    await run(['update-index', '--add', '--cacheinfo', `100644,${oid},${path}`])
  }
  return run(['write-tree'])
}
