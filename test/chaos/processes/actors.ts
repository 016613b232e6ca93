/**
 * Real processes that work issues: `bzzz up` as a user starts it, or the naive worker. Each has a home
 * of its own, and its output goes to a file there. Ended by process id, with all that they started.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, type ApiClient } from '../../../src/api/client.ts'
import { until } from '../../../src/util/index.ts'
import { compileCache } from '../../compile-cache.ts'
import { pathWithStandIns } from '../../stand-ins.ts'
import type { Founder } from '../../members.ts'
import { repo, type Stage } from './stage.ts'

const bin = fileURLToPath(new URL('../../../src/cli/bin.mjs', import.meta.url))
const naiveWorker = fileURLToPath(new URL('fixtures/naive-worker.ts', import.meta.url))

export type Protocol = 'bzzz' | 'naive'

/** For an answer of an agent's API, ms. */
const apiMs = 5_000
/** For an agent that is asked to end before it is killed, ms. */
const graceMs = 20_000
/** For what a killed agent left behind to be gone, ms. */
const orphansMs = 15_000

const loopback =
  Object.entries(networkInterfaces()).find(([, list]) =>
    list?.some(({ internal }) => internal),
  )?.[0] ?? 'lo'

export const onLoopback = {
  listen: ['/ip4/127.0.0.1/tcp/0'],
  mdns: { interfaces: [loopback] },
  dht: { enabled: false },
}

/** Chores sign outside of their clones, where no sandbox lets them write. */
export const onlyChores = { use: ['command'], sandbox: 'off' }

export interface ActorInit {
  name: string
  login: string
  protocol: Protocol
  /** Private to the run; makes a home a member of it. */
  founder: Founder
  leaseMs: number
  pollMs: number
  safetyPollMs?: number
  /** Default: on this machine, in a mesh on loopback. */
  place?: Place
}

export interface Place {
  /** Before its command. */
  enter: readonly string[]
  /** Configuration over the usual. */
  settings: { mesh: object; [section: string]: object }
  env?: Readonly<Record<string, string>>
}

export class Actor {
  readonly name: string
  readonly home: string
  readonly #init: ActorInit
  readonly #stage: Stage
  readonly #api: ApiClient
  #child: ChildProcess | undefined
  #ended: Promise<unknown> = Promise.resolve()
  #stopped: number[] = []
  #retired = false
  starts = 0

  constructor(stage: Stage, init: ActorInit) {
    this.name = init.name
    this.home = join(stage.dir, 'agents', init.name)
    this.#init = init
    this.#stage = stage
    this.#api = connect(this.home, { timeoutMs: apiMs })
  }

  get running(): boolean {
    const child = this.#child
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  /** Whether it works: its API answers. A naive worker has none, and works at once. */
  async ready(): Promise<boolean> {
    if (!this.running) return false
    return this.#init.protocol === 'naive' || this.#api.live().catch(() => false)
  }

  /** Does nothing when it runs, or is retired. */
  async start(): Promise<void> {
    if (this.running) return
    const { name, login, protocol, founder, place } = this.#init
    await mkdir(this.home, { recursive: true, mode: 0o700 })
    const token = join(this.home, 'token')
    await writeFile(token, this.#stage.tokenOf(login), { mode: 0o600 })
    const file = join(this.home, 'bzzz.yaml')
    await writeFile(file, JSON.stringify(this.#configuration(token)), { mode: 0o600 })
    if (protocol === 'bzzz') await founder.admit(this.home, name, ['worker'])
    const args =
      protocol === 'bzzz' ? [bin, 'up', '--config', file, '--lease-stdin'] : [naiveWorker]
    const log = await open(join(this.home, 'output.txt'), 'a')
    try {
      await log.write(`--- start ${(this.starts += 1)} of ${name} at ${new Date().toISOString()}\n`)
      if (this.#retired) return
      const [program = process.execPath, ...before] = place?.enter ?? []
      const rest = place === undefined ? args : [...before, process.execPath, ...args]
      const child = spawn(program, rest, {
        cwd: this.home,
        env: {
          PATH: pathWithStandIns(),
          HOME: join(this.#stage.dir, 'user'),
          ...compileCache,
          ...(protocol === 'naive' ? this.#naive() : {}),
          ...place?.env,
        },
        stdio: ['pipe', log.fd, log.fd],
      })
      child.stdin?.on('error', () => undefined)
      child.on('error', () => undefined)
      this.#child = child
      this.#ended = once(child, 'exit').catch(() => undefined)
    } finally {
      await log.close()
    }
  }

  #configuration(token: string): object {
    const { name, founder, leaseMs, pollMs, safetyPollMs, place } = this.#init
    const { forge } = this.#stage
    const polls = safetyPollMs === undefined ? { pollMs } : { pollMs, safetyPollMs }
    const access = { apiUrl: forge.apiUrl, repos: [repo], token: { file: token } }
    return {
      name,
      home: this.home,
      log: { level: 'info' },
      github: { ...access, ...polls, claims: { leaseMs } },
      work: onlyChores,
      ...place?.settings,
      mesh: { name: founder.membership.meshName, ...(place?.settings.mesh ?? onLoopback) },
    }
  }

  #naive(): Record<string, string> {
    const { forge, tokenOf } = this.#stage
    const { login, pollMs } = this.#init
    const settings = {
      url: forge.url,
      apiUrl: forge.apiUrl,
      repo,
      login,
      token: tokenOf(login),
      pollMs,
    }
    return { NAIVE: JSON.stringify(settings) }
  }

  /** Ends at once. What of it was stopped goes on, so that it can notice. */
  async kill(): Promise<void> {
    if (this.running) this.#child?.kill('SIGKILL')
    this.resume()
    await this.#ended
  }

  /** Ends at once, and is never started again, not even by who is about to. */
  async retire(): Promise<void> {
    this.#retired = true
    await this.kill()
  }

  /** Asks it to hand back its work; kills it when it takes too long. */
  async end(): Promise<void> {
    this.resume()
    if (this.running) this.#child?.kill('SIGTERM')
    const late = setTimeout(() => this.#child?.kill('SIGKILL'), graceMs)
    await this.#ended
    clearTimeout(late)
  }

  /** As a debugger or a full disk would: it, or it and all that it started. */
  async stop(whole: boolean): Promise<void> {
    const pid = this.#child?.pid
    if (!this.running || pid === undefined) return
    this.#stopped = [pid, ...(whole ? await descendants(pid) : [])]
    for (const one of this.#stopped) signal(one, 'SIGSTOP')
  }

  resume(): void {
    for (const one of this.#stopped.splice(0)) signal(one, 'SIGCONT')
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended by itself.
  }
}

async function descendants(root: number): Promise<number[]> {
  const children = new Map<number, number[]>()
  for (const { pid, parent } of await processes()) {
    children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const found: number[] = []
  for (const todo = [root]; todo.length > 0;) {
    const next = children.get(todo.pop()!) ?? []
    found.push(...next)
    todo.push(...next)
  }
  return found
}

async function processes(): Promise<{ pid: number; parent: number }[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const read = all.map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    return { pid: Number(pid), parent }
  })
  return Promise.all(read)
}

/** Ids of other processes whose command line or environment names the directory. */
async function processesOf(dir: string): Promise<number[]> {
  const all = (await processes()).filter(({ pid }) => pid !== process.pid)
  const mine = await Promise.all(
    all.map(async ({ pid, parent }) => {
      if (parent === process.pid) return []
      const files = ['cmdline', 'environ'].map((file) =>
        readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => ''),
      )
      return (await Promise.all(files)).some((text) => text.includes(dir)) ? [pid] : []
    }),
  )
  return mine.flat()
}

/** Waits for what ended actors left to end by itself; ends the rest, and says how many those were. */
export async function endOrphans(stage: Stage): Promise<number> {
  const agents = join(stage.dir, 'agents')
  const gone = async () => (await processesOf(agents)).length === 0
  await until('no process of the agents', orphansMs, gone, { everyMs: 250 }).catch(() => undefined)
  const left = await processesOf(agents)
  for (const pid of left) signal(pid, 'SIGKILL')
  return left.length
}
