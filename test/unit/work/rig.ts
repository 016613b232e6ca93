/** What tests of this room share: a bare repository, real processes, orders. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  createGit,
  createProcesses,
  type Git,
  type Processes,
  type SandboxChoice,
} from '../../../src/process/index.ts'
import { nullLogger } from '../../../src/util/index.ts'
import {
  createWork,
  emptyPolicy,
  type Chore,
  type ExecutorConfigInput,
  type Work,
  type WorkEvent,
  type WorkflowPolicy,
  type WorkInit,
  type WorkOrder,
  type WorkResult,
} from '../../../src/work/index.ts'

export const AGENT = join(import.meta.dirname, '../../process/fixtures/acp-agent.ts')
/** The PATH with the node that runs the tests first. */
export const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`

export interface Repo {
  gitDir: string
  base: string
}

export interface Rig {
  dir: string
  processes: Processes
  git: Git
  repo(files: Record<string, string>): Repo
  /** Another commit on top of `parent`, in the bare repository. */
  commit(repo: Repo, parent: string, files: Record<string, string>): string
  show(gitDir: string, spec: string): string
  /** Clones of the tasks that run now. */
  clones(): Promise<string[]>
  work(executors: ExecutorConfigInput[], init?: Partial<WorkInit>): Promise<Work>
  close(): Promise<void>
}

const env = {
  PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.org',
}

/** `sandbox`: `off` for what must hold without one, too, and for reports that are written beside the workspace. */
export function createRig({ sandbox = 'auto' }: { sandbox?: SandboxChoice } = {}): Rig {
  const dir = mkdtempSync(join(tmpdir(), 'bzzz-work-'))
  const processes = createProcesses({ stateDir: join(dir, 'state'), logger: nullLogger, sandbox })
  const git = createGit({ processes })
  const works: Work[] = []
  let count = 0
  const sh = (cwd: string, ...args: string[]) =>
    execFileSync('git', args, {
      cwd,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  const put = (at: string, files: Record<string, string>) => {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(at, path)), { recursive: true })
      writeFileSync(join(at, path), content)
    }
  }
  return {
    dir,
    processes,
    git,
    repo(files) {
      count += 1
      const at = join(dir, `repo-${count}`)
      const gitDir = `${at}.git`
      mkdirSync(at)
      sh(at, 'init', '-q', '-b', 'main')
      put(at, files)
      sh(at, 'add', '-A')
      sh(at, 'commit', '-q', '-m', 'base', '--allow-empty')
      sh(dir, 'clone', '-q', '--bare', at, gitDir)
      return { gitDir, base: sh(at, 'rev-parse', 'HEAD') }
    },
    commit(repo, parent, files) {
      count += 1
      const at = join(dir, `more-${count}`)
      sh(dir, 'clone', '-q', repo.gitDir, at)
      sh(at, 'checkout', '-q', parent)
      put(at, files)
      sh(at, 'add', '-A')
      sh(at, 'commit', '-q', '-m', 'more')
      const id = sh(at, 'rev-parse', 'HEAD')
      sh(at, 'push', '-q', 'origin', `HEAD:refs/heads/more-${count}`)
      return id
    },
    clones: async () =>
      (await Array.fromAsync(glob('work-*/*/clone', { cwd: dir }))).map((path) => join(dir, path)),
    show: (gitDir, spec) => sh(dir, '--git-dir', gitDir, 'show', spec),
    async work(executors, init = {}) {
      count += 1
      const work = createWork(
        { dir: join(dir, `work-${count}`), executors, path: PATH, ...init },
        { processes, git, logger: nullLogger },
      )
      works.push(work)
      await work.start()
      return work
    },
    async close() {
      for (const work of works) await work.stop()
      await processes.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

export function order(repo: Repo, more: Partial<WorkOrder> = {}): WorkOrder {
  return {
    id: 'octo-lib-12-1',
    repo: 'octo/lib',
    issue: { number: 12, title: 'Fix the sum', body: 'It adds wrongly.', labels: ['bzzz'] },
    attempt: 1,
    source: { gitDir: repo.gitDir, baseBranch: 'main', base: repo.base },
    policy: emptyPolicy(),
    author: { name: 'bee-1', email: 'bee-1@example.org' },
    ...more,
  }
}

export const policy = (more: Partial<WorkflowPolicy>): WorkflowPolicy => ({
  ...emptyPolicy(),
  ...more,
})

/** A check or chore of one line of JavaScript. */
export const node = (code: string): string[] => ['node', '-e', code]

/** A test agent in a mode, as an executor. */
export function agentConfig(
  mode: string,
  options: object = {},
): Extract<ExecutorConfigInput, { kind: 'acp' }> {
  return {
    name: 'robot',
    kind: 'acp',
    command: ['node', AGENT, mode, JSON.stringify(options)],
  }
}

export interface Ran {
  result: WorkResult
  events: WorkEvent[]
}

export async function runOrder(
  work: Work,
  what: WorkOrder,
  instructions: Parameters<Work['run']>[1] = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Ran> {
  const events: WorkEvent[] = []
  const result = await work.run(what, instructions, {
    signal,
    onEvent: (event) => events.push(event),
  })
  return { result, events }
}

export const COMMAND = { name: 'command', kind: 'command' } as const
export const FILES = { 'README.md': 'hello\n', 'src/sum.js': 'module.exports = (a, b) => a - b\n' }
export const FIXED = 'module.exports = (a, b) => a + b\n'
export const CHECK = {
  name: 'test',
  run: node(
    `process.exit(require('./src/sum.js')(2, 3) === 5 ? 0 : (console.log('2 + 3 is not 5'), 1))`,
  ),
  timeoutMs: 20_000,
}
export const chore = (code: string, more: Partial<Chore> = {}): Chore => ({
  run: node(code),
  arguments: {},
  ...more,
})
export const write = (path: string, text: string) =>
  `require('fs').writeFileSync(${JSON.stringify(path)}, ${JSON.stringify(text)})`

/** Runs a chore of one line of JavaScript. */
export async function runChore(rig: Rig, code: string, more: Partial<WorkOrder> = {}) {
  const work = await rig.work([COMMAND])
  const repo = rig.repo(FILES)
  const chores = { go: chore(code) }
  const ran = await runOrder(
    work,
    order(repo, { ...more, policy: { ...policy({ chores }), ...more.policy, chores } }),
    { chore: 'go' },
  )
  return { ...ran, repo, work }
}
