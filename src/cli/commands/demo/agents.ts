/**
 * The demo's agents: each its own process of the same `bzzz up` that a user types, with its own home. They
 * stand in a line: each knows the one before it and the observer, and seeks nobody else.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reserveAddresses } from '../../../mesh/index.ts'
import type { Exit, Guest, Processes } from '../../../process/index.ts'
import { nullLogger } from '../../../util/index.ts'
import { castOf, type Part } from './cast.ts'
import { repo } from './stage.ts'

const bin = fileURLToPath(new URL('../../bin.mjs', import.meta.url))
const names = ['ada', 'bo', 'cleo', 'dara']
const listen = ['/ip4/127.0.0.1/tcp/0']
/** Agents that ask again for help after a pause as in life would keep whoever looks waiting, ms. */
const pauseMs = 4_000
/** As many requests may be open at once: one for each issue that needs help. */
const helperSlots = 2
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

/** Everything of a mesh of this demo stays on this machine: own name, loopback, known addresses only. */
export function meshConfig(meshName: string, bootstrap: readonly string[] = []) {
  return {
    name: meshName,
    listen: [...listen],
    connections: 0,
    mdns: { enabled: false },
    relay: { use: false, serve: false },
    dht: { enabled: false, bootstrap: [...bootstrap] },
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
  /** Addresses of the observer. */
  observer: readonly string[]
  /** Directory with the program that only one agent has. */
  glossary: string
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
  /** Name of the one before it in the line. */
  before?: string
  guest: Guest
  /** Set when it ended by itself. */
  ended?: Exit
}

export async function startAgents(init: AgentsInit, processes: Processes): Promise<DemoAgent[]> {
  const cast = castOf(init.names)
  const places: Place[] = []
  let before: readonly string[] = []
  for (const part of cast.parts) {
    const home = join(init.dir, part.name)
    await mkdir(home, { recursive: true, mode: 0o700 })
    places.push({ part, home, bootstrap: [...init.observer, ...before] })
    before = await reserveAddresses({ home, listen }, { logger: nullLogger })
  }
  return Promise.all(places.map((place) => startAgent(init, place, processes)))
}

interface Place {
  part: Part
  home: string
  bootstrap: readonly string[]
}

async function startAgent(
  init: AgentsInit,
  place: Place,
  processes: Processes,
): Promise<DemoAgent> {
  const { part, home } = place
  const { name, before } = part
  await writeFile(join(home, 'token'), init.tokens.get(name) ?? '', { mode: 0o600 })
  const file = join(home, 'bzzz.yaml')
  await writeFile(file, JSON.stringify(configOf(init, place), undefined, 2), { mode: 0o600 })
  const guest = processes.spawn({
    file: process.execPath,
    args: [bin, 'up', '--config', file, '--lease-stdin'],
    cwd: home,
    env: environment(part.hasGlossary ? [init.glossary] : []),
    purpose: `demo agent ${name}`,
    timeoutMs: lifeMs,
    maxOutputBytes: 1024 * 1024 * 1024,
    graceMs,
  })
  guest.stdout.resume()
  guest.stdin.on('error', () => undefined)
  const agent: DemoAgent = { name, home, guest, ...(before === undefined ? {} : { before }) }
  void guest.exit.then((exit) => {
    agent.ended = exit
  })
  return agent
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

function configOf(init: AgentsInit, { part, home, bootstrap }: Place): object {
  const { name, tags, takes, gives, hasGlossary } = part
  const executor = init.executor ?? 'scripted'
  return {
    name,
    home,
    log: { level: 'warn' },
    github: {
      apiUrl: init.apiUrl,
      repos: [repo],
      ...(takes ? {} : { paused: [repo] }),
      token: { file: join(home, 'token') },
      pollMs: 1_000,
      feedbackQuietMs: 500,
    },
    mesh: { ...meshConfig(init.meshName, bootstrap), join: { file: init.joinToken } },
    help: { give: gives, pauseMs },
    work: {
      ...(init.unwalled ? { sandbox: 'off' } : {}),
      tags,
      // One that takes no issues helps with several at once, so that none waits for it.
      ...(takes ? {} : { slots: helperSlots }),
      ...(hasGlossary ? { readable: [init.glossary] } : {}),
      use: ['command', executor],
      ...(init.executor === undefined
        ? { executors: [{ name: 'scripted', kind: 'acp', command: init.scripted }] }
        : {}),
    },
  }
}

/** The user's environment without GitHub credentials; the Node that runs this comes first on PATH, then `more`. */
export function environment(more: readonly string[] = []): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^BZZZ_|^(GH|GITHUB)_TOKEN|_TOKEN_FILE$/.test(entry[0]),
  )
  const path = [dirname(process.execPath), ...more, process.env['PATH'] ?? '']
    .filter((part) => part !== '')
    .join(delimiter)
  return { ...Object.fromEntries(kept), PATH: path }
}
