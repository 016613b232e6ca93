/** A forge, repositories and real agent processes for end-to-end tests. Everything on loopback, in one temporary directory. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Octokit } from 'octokit'
import { connect, type ApiClient } from '../../src/api/client.ts'
import { forge, type Forge } from '../../src/forge/index.ts'
import { createProcesses, type Processes } from '../../src/process/index.ts'
import { nullLogger, until } from '../../src/util/index.ts'
import { onResponse } from '../compliance/observer.ts'
import { foundBelow, foundIn } from '../canary/look.ts'
import { compileCache } from '../compile-cache.ts'
import { pathWithStandIns } from '../stand-ins.ts'
import type { Role } from '../../src/mesh/index.ts'
import { createFounder, type Founder } from '../members.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const bin = join(root, 'src/cli/bin.mjs')
export const owner = 'octo'
/** For an agent to be up while other tests use the processors, ms. */
const upMs = 90_000

export interface AgentOptions {
  name: string
  repos: string[]
  /** Merged over the defaults, one level deep. */
  config?: Record<string, Record<string, unknown>>
  token?: string
  /** Added to `up`. */
  flags?: string[]
  /** Added to its environment. */
  env?: Record<string, string>
  /** In the mesh. Default: worker. */
  roles?: readonly Role[]
  /** It is left to the test how it becomes a member of a mesh. Default: it is one. */
  joins?: true
}

export interface RunningAgent {
  name: string
  home: string
  child: ChildProcess
  api: ApiClient
  stderr: () => string
  /** Resolves with the exit code, or the signal's name. */
  ended: Promise<number | string>
  kill(signal: NodeJS.Signals): Promise<number | string>
}

export class World {
  readonly dir: string
  readonly forge: Forge
  readonly octokit: Octokit
  readonly processes: Processes
  readonly mesh = `test-${randomBytes(5).toString('hex')}`
  #founder: Promise<Founder> | undefined
  readonly #agents: RunningAgent[] = []
  /** By home. */
  readonly #tokens = new Map<string, Set<string>>()

  private constructor(dir: string, server: Forge, processes: Processes) {
    this.dir = dir
    this.forge = server
    this.processes = processes
    this.octokit = new Octokit({
      baseUrl: server.apiUrl,
      auth: 'token-octo',
      throttle: { enabled: false },
    })
  }

  /** `tokens`: by login, where they are to be others than `token-LOGIN`. */
  static async make(tokens: Record<string, string> = {}): Promise<World> {
    const dir = await mkdtemp(join(tmpdir(), 'bzzz-e2e-'))
    const processes = createProcesses({ stateDir: dir, logger: nullLogger })
    const users = [
      { login: owner, token: 'token-octo', role: 'admin' as const },
      { login: 'grace', token: 'token-grace', role: 'push' as const },
      { login: 'reader', token: 'token-reader', role: 'read' as const },
      ...['ada', 'bo', 'cleo', 'dara'].map((login) => ({
        login,
        token: tokens[login] ?? `token-${login}`,
        role: 'push' as const,
      })),
    ]
    const server = forge({ dir: join(dir, 'forge'), users }, { processes, onResponse })
    await server.start()
    return new World(dir, server, processes)
  }

  /** A repository with these files on main; none: an empty one. */
  async repository(name: string, files: Record<string, string> = {}): Promise<string> {
    const from = join(this.dir, `files-${name}`)
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(from, path, '..'), { recursive: true })
      await writeFile(join(from, path), text)
    }
    const seeded = Object.keys(files).length > 0 ? { from } : {}
    await this.forge.createRepository({ owner, name, ...seeded })
    return `${owner}/${name}`
  }

  async issue(
    repo: string,
    issue: { title: string; body?: string; labels?: string[] },
  ): Promise<number> {
    const { data } = await this.octokit.rest.issues.create({
      owner,
      repo: repo.split('/')[1]!,
      labels: ['bzzz'],
      ...issue,
    })
    return data.number
  }

  async issueNow(repo: string, issue_number: number) {
    return (await this.octokit.rest.issues.get({ owner, repo: repo.split('/')[1]!, issue_number }))
      .data
  }

  async pulls(repo: string) {
    return (
      await this.octokit.rest.pulls.list({
        owner,
        repo: repo.split('/')[1]!,
        state: 'all',
        per_page: 100,
      })
    ).data
  }

  async comments(repo: string, issue_number: number) {
    return (
      await this.octokit.rest.issues.listComments({
        owner,
        repo: repo.split('/')[1]!,
        issue_number,
      })
    ).data
  }

  async file(repo: string, ref: string, path: string): Promise<string> {
    const { data } = await this.octokit.rest.repos.getContent({
      owner,
      repo: repo.split('/')[1]!,
      path,
      ref,
    })
    if (Array.isArray(data) || data.type !== 'file') throw new Error(`${path} is no file`)
    return Buffer.from(data.content, 'base64').toString()
  }

  async configure(options: AgentOptions): Promise<{ home: string; file: string }> {
    const { name, config = {} } = options
    const home = join(this.dir, name)
    await mkdir(home, { recursive: true })
    const token = options.token ?? `token-${name}`
    await writeFile(join(home, 'token'), token, { mode: 0o600 })
    this.#tokens.set(home, (this.#tokens.get(home) ?? new Set()).add(token))
    const merged: Record<string, Record<string, unknown>> = {
      log: { level: 'info', ...config['log'] },
      github: {
        apiUrl: this.forge.apiUrl,
        repos: options.repos,
        token: { file: join(home, 'token') },
        pollMs: 300,
        ...config['github'],
      },
      mesh: {
        name: this.mesh,
        listen: ['/ip4/127.0.0.1/tcp/0'],
        mdns: { interfaces: ['lo'] },
        dht: { enabled: false },
        ...config['mesh'],
      },
      work: { use: ['command'], ...config['work'] },
    }
    const file = join(home, 'bzzz.yaml')
    await writeFile(file, JSON.stringify({ name, home, ...merged }))
    if (options.joins !== true) {
      this.#founder ??= createFounder(this.dir, this.mesh)
      await (await this.#founder).admit(home, name, [...(options.roles ?? ['worker'])])
    }
    return { home, file }
  }

  /** Starts `bzzz up`; resolves when its API answers. */
  async agent(options: AgentOptions): Promise<RunningAgent> {
    const { home, file } = await this.configure(options)
    const args = ['up', '--config', file, '--lease-stdin', ...(options.flags ?? [])]
    const agent = this.spawn(options.name, home, args, options.env)
    let over: number | string | undefined
    void agent.ended.then((end) => (over = end))
    await until(`agent ${options.name}`, upMs, async () => {
      if (over !== undefined)
        throw new Error(`agent ${options.name} ended with ${over}:\n${agent.stderr()}`)
      return agent.api.live().catch(() => false)
    })
    return agent
  }

  spawn(
    name: string,
    home: string,
    args: string[],
    env: Record<string, string> = {},
  ): RunningAgent {
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: home,
      env: { PATH: pathWithStandIns(), HOME: home, ...compileCache, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let stderr = ''
    child.stderr.on(
      'data',
      (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-200_000)),
    )
    child.stdout.resume()
    child.stdin.on('error', () => undefined)
    const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
    const agent: RunningAgent = {
      name,
      home,
      child,
      api: connect(home, { timeoutMs: 20_000 }),
      stderr: () => stderr,
      ended,
      kill: async (signal) => {
        child.kill(signal)
        return ended
      },
    }
    this.#agents.push(agent)
    return agent
  }

  /** Runs a client command to its end. */
  async bzzz(
    home: string,
    ...args: string[]
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, [bin, '--home', home, ...args], {
      cwd: this.dir,
      env: { PATH: process.env['PATH'], HOME: this.dir, ...compileCache },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    return { code, stdout, stderr }
  }

  async #leaks(): Promise<string[]> {
    const found: string[] = []
    for (const { home, stderr } of this.#agents) {
      const planted = [...(this.#tokens.get(home) ?? [])].map((value) => ({
        name: 'its token',
        value,
      }))
      const keys = (await readdir(home).catch(() => [])).filter((name) => name.endsWith('.key'))
      for (const name of keys) {
        const lines = (await readFile(join(home, name), 'utf8')).split('\n')
        const value = lines.find((line) => line.length >= 40 && !line.includes('---'))
        if (value !== undefined) planted.push({ name, value })
      }
      const isSource = (path: string) => path === 'token' || keys.includes(path)
      found.push(...(await foundBelow(home, planted, isSource).catch(() => [])))
      found.push(...foundIn(stderr(), planted).map((name) => `log: ${name}`))
    }
    return found
  }

  /** Also looks whether a token that an agent was given, or a key of its home, got into its home or its log. */
  async close(): Promise<void> {
    await Promise.all(
      this.#agents.map(async ({ child, ended }) => {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
        await ended
      }),
    )
    await this.forge.stop()
    await this.processes.stop()
    const leaks = await this.#leaks()
    await rm(this.dir, { recursive: true, force: true, maxRetries: 3 })
    if (leaks.length > 0) throw new Error(`A secret got where it must not be: ${leaks.join(', ')}`)
  }
}

/** A pull request is there: published, and as soon as the agent has looked at it again, under its watch. */
export const isPublished = (state: string | undefined) => state === 'done' || state === 'review'

/** Ids of processes whose command line or environment names this directory. */
export async function processesOf(dir: string): Promise<number[]> {
  const { readdir, readFile } = await import('node:fs/promises')
  const found: number[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue
    const texts = await Promise.all(
      ['cmdline', 'environ'].map((file) =>
        readFile(`/proc/${entry}/${file}`, 'utf8').catch(() => ''),
      ),
    )
    if (texts.some((text) => text.includes(dir))) found.push(Number(entry))
  }
  return found
}

/** What a killed agent's lease ends is gone within seconds. */
export async function noProcessOf(dir: string): Promise<void> {
  await until(`no process of ${dir}`, 30_000, async () => (await processesOf(dir)).length === 0, {
    everyMs: 200,
  })
}

export const workflow = (chores: string, checks = '[]', more = '') =>
  `---\nchecks: ${checks}\nchores:\n${chores}\n${more}---\n`
