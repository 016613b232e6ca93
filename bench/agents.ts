/**
 * Real agents and bare libp2p nodes for the benchmarks, each a process of its own that ends with
 * the benchmark. Everything stays on loopback; each group has a mesh name of its own.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { connect, type ApiClient } from '../src/api/client.ts'
import type { Exit, Guest } from '../src/process/index.ts'
import { createFounder, type Founder } from '../test/members.ts'
import type { Bench } from './lib.ts'

export const bin = fileURLToPath(new URL('../src/cli/bin.mjs', import.meta.url))
const bareNode = fileURLToPath(new URL('children/bare-node.ts', import.meta.url))

/** Longest life of a child, ms; the benchmark's own deadline ends it sooner. */
const lifeMs = 10 * 60_000
const graceMs = 12_000

export const newMeshName = () => `bench-${randomBytes(5).toString('hex')}`

/** Name of the loopback interface: "lo", "lo0". */
export const loopback =
  Object.entries(networkInterfaces()).find(([, list]) =>
    list?.some(({ internal, family }) => internal && family === 'IPv4'),
  )?.[0] ?? 'lo'

/**
 * What children get: this Node first on PATH, no configuration or token of the user. They share a
 * home as the processes of a user do, and with it the compile cache that `bzzz` keeps there: the
 * first start of all fills it and takes longer. Bare nodes have such a cache, too.
 */
export const environment = ({ dir }: Pick<Bench, 'dir'>): Record<string, string> => ({
  PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
  HOME: join(dir, 'user'),
})

export interface AgentInit {
  name: string
  meshName: string
  role: 'observer' | 'worker'
  /** Sections of the configuration beside name, home, roles, log and mesh. */
  config?: Record<string, unknown>
  /** GitHub token of a worker. */
  token?: string
}

export interface BenchAgent {
  name: string
  home: string
  guest: Guest
  api: ApiClient
  /** Resolves when it says that it is up; rejects when it ends before. */
  up: Promise<void>
}

export interface Prepared {
  name: string
  home: string
  file: string
}

/** Writes home and configuration, so that starting is all that is left. */
export async function prepareAgent({ dir }: Bench, init: AgentInit): Promise<Prepared> {
  const { name, meshName, role, config = {}, token } = init
  const home = join(dir, `${name}-${randomBytes(3).toString('hex')}`)
  await mkdir(home, { mode: 0o700 })
  if (token !== undefined) await writeFile(join(home, 'token'), token, { mode: 0o600 })
  const file = join(home, 'bzzz.yaml')
  const { github = {}, ...rest } = config
  const secret = token === undefined ? {} : { token: { file: join(home, 'token') } }
  const document = {
    name,
    home,
    roles: [role],
    log: { level: 'error' },
    mesh: {
      name: meshName,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      mdns: { enabled: true, interfaces: [loopback] },
    },
    github: { ...(github as object), ...secret },
    ...rest,
  }
  await writeFile(file, JSON.stringify(document), { mode: 0o600 })
  await (await founderOf(dir, meshName)).admit(home, name, [role])
  return { name, home, file }
}

const founders = new Map<string, Promise<Founder>>()

/** Agents of one mesh name are members of one mesh; its founder does not run. */
function founderOf(dir: string, meshName: string): Promise<Founder> {
  const found = founders.get(meshName) ?? createFounder(dir, meshName)
  founders.set(meshName, found)
  return found
}

export interface StartOptions {
  /** Arguments of Node itself. */
  node?: readonly string[]
  /** Variables beside the usual ones. */
  env?: Readonly<Record<string, string>>
  /** Longest life, ms. Default: ten minutes. */
  timeoutMs?: number
}

/** Starts `bzzz up`, as a user does. Returns at once. */
export function startAgent(
  bench: Bench,
  { name, home, file }: Prepared,
  { node = [], env = {}, timeoutMs = lifeMs }: StartOptions = {},
) {
  const { processes, signal } = bench
  const guest = processes.spawn({
    file: process.execPath,
    args: [...node, bin, 'up', '--config', file, '--lease-stdin', '--json'],
    cwd: home,
    env: { ...environment(bench), ...env },
    purpose: `agent ${name}`,
    timeoutMs,
    graceMs,
    signal,
  })
  guest.stdin.on('error', () => undefined)
  const up = Promise.race([
    once(guest.stdout, 'data').then(() => void guest.stdout.resume()),
    guest.exit.then((exit) => Promise.reject(ended(name, exit))),
  ])
  up.catch(() => undefined)
  const agent: BenchAgent = { name, home, guest, api: connect(home, { timeoutMs: 5_000 }), up }
  return agent
}

const ended = (name: string, { reason, exitCode, tail }: Exit) =>
  new Error(`${name} ended (${reason}, ${exitCode ?? 'no exit code'}): ${tail.slice(-2_000)}`)

export async function stopAll(guests: readonly Guest[]): Promise<void> {
  await Promise.all(guests.map((guest) => guest.stop('measured')))
}

/** Processor time that these processes have used so far, ms, in steps of 10; undefined without /proc. */
export async function cpuOf(guests: readonly Guest[]): Promise<number | undefined> {
  let ticks = 0
  for (const { pid } of guests) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
    if (stat === undefined) return undefined
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks * 10
}

/** What a bare node says, a JSON line each. */
export type BareSays = { addresses: string[] } | { meshed: true }

export interface BareNode {
  guest: Guest
  /** Its next line; rejects when it ends before. */
  says(): Promise<BareSays>
  /** Addresses of the others, to be dialled. */
  tell(addresses: readonly string[]): void
}

/** `mdnsTag`: it looks for the others itself. `peers`: how many it waits for. */
export function startBareNode(
  bench: Bench,
  { peers, mdnsTag }: { peers: number; mdnsTag?: string },
): BareNode {
  const { processes, signal, dir } = bench
  const guest = processes.spawn({
    file: process.execPath,
    args: [bareNode, String(peers), ...(mdnsTag === undefined ? [] : [mdnsTag])],
    cwd: dir,
    env: { ...environment(bench), NODE_COMPILE_CACHE: join(dir, 'compile') },
    purpose: 'bare libp2p node',
    timeoutMs: lifeMs,
    graceMs,
    signal,
  })
  guest.stdin.on('error', () => undefined)
  const lines = createInterface({ input: guest.stdout })[Symbol.asyncIterator]()
  return {
    guest,
    async says() {
      const line = await lines.next()
      if (line.done !== true) return JSON.parse(line.value) as BareSays
      throw ended('A bare node', await guest.exit)
    },
    tell: (addresses) => void guest.stdin.write(`${JSON.stringify(addresses)}\n`),
  }
}
