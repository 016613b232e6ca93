/** The demo's agents: each its own process of the same `bzzz up` that a user types, with its own home. */
import { mkdir, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Exit, Guest, Processes } from '../../../process/index.ts'
import { repo } from './stage.ts'

const bin = fileURLToPath(new URL('../../bin.mjs', import.meta.url))
const names = ['ada', 'bo', 'cleo', 'dara']
/** The one capability that only the last agent has. */
const rareTag = 'release'
/** Longest life of a demo, ms: a week; it is meant for minutes. */
const lifeMs = 7 * 24 * 60 * 60 * 1_000
/** Until an agent that was asked to stop is stopped by force, ms. */
const graceMs = 30_000

export function agentNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const round = Math.floor(index / names.length)
    return `${names[index % names.length] ?? 'agent'}${round === 0 ? '' : round + 1}`
  })
}

/** Everything of a mesh of this demo stays on this machine: own name, loopback only. */
export function meshConfig(meshName: string) {
  const loopback = Object.entries(networkInterfaces()).find(([, list]) =>
    list?.some(({ internal, family }) => internal && family === 'IPv4'),
  )
  return {
    name: meshName,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    mdns: { enabled: true, interfaces: loopback === undefined ? [] : [loopback[0]] },
  }
}

export interface AgentsInit {
  dir: string
  names: readonly string[]
  tokens: ReadonlyMap<string, string>
  apiUrl: string
  meshName: string
  /** File with the token with which they join the mesh. */
  joinToken: string
  /** Program and arguments of the scripted ACP agent. */
  scripted: string[]
  /** Name of a coding agent of this machine to use instead. */
  executor?: string
  /** No sandbox works here. */
  unwalled: boolean
}

export interface DemoAgent {
  name: string
  home: string
  guest: Guest
  /** Set when it ended by itself. */
  ended?: Exit
}

export async function startAgents(init: AgentsInit, processes: Processes): Promise<DemoAgent[]> {
  return Promise.all(
    init.names.map(async (name, index) => {
      const home = join(init.dir, name)
      await mkdir(home, { recursive: true, mode: 0o700 })
      await writeFile(join(home, 'token'), init.tokens.get(name) ?? '', { mode: 0o600 })
      const file = join(home, 'bzzz.yaml')
      await writeFile(file, JSON.stringify(configOf(init, name, home, index), undefined, 2), {
        mode: 0o600,
      })
      const guest = processes.spawn({
        file: process.execPath,
        args: [bin, 'up', '--config', file, '--lease-stdin'],
        cwd: home,
        env: environment(),
        purpose: `demo agent ${name}`,
        timeoutMs: lifeMs,
        maxOutputBytes: 1024 * 1024 * 1024,
        graceMs,
      })
      guest.stdout.resume()
      guest.stdin.on('error', () => undefined)
      const agent: DemoAgent = { name, home, guest }
      void guest.exit.then((exit) => {
        agent.ended = exit
      })
      return agent
    }),
  )
}

/** Closing stdin asks for the graceful stop; what is still there after the grace is ended. */
export async function stopAgents(agents: readonly DemoAgent[]): Promise<void> {
  await Promise.all(
    agents.map(async ({ guest }) => {
      guest.stdin.end()
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, graceMs)
      })
      await Promise.race([guest.exit, late])
      clearTimeout(timer)
      await guest.stop('the demo ends')
    }),
  )
}

function configOf(init: AgentsInit, name: string, home: string, index: number): object {
  const last = index === init.names.length - 1
  const executor = init.executor ?? 'scripted'
  return {
    name,
    home,
    log: { level: 'warn' },
    github: {
      apiUrl: init.apiUrl,
      repos: [repo],
      token: { file: join(home, 'token') },
      pollMs: 1_000,
      feedbackQuietMs: 500,
    },
    mesh: { ...meshConfig(init.meshName), join: { file: init.joinToken } },
    work: {
      ...(init.unwalled ? { sandbox: 'off' } : {}),
      tags: last ? [rareTag] : [],
      use: ['command', executor],
      ...(init.executor === undefined
        ? { executors: [{ name: 'scripted', kind: 'acp', command: init.scripted }] }
        : {}),
    },
  }
}

/** The user's environment without GitHub credentials; the Node that runs this comes first on PATH. */
export function environment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^BZZZ_|^(GH|GITHUB)_TOKEN|_TOKEN_FILE$/.test(entry[0]),
  )
  const path = [dirname(process.execPath), process.env['PATH'] ?? '']
    .filter((part) => part !== '')
    .join(delimiter)
  return { ...Object.fromEntries(kept), PATH: path }
}
