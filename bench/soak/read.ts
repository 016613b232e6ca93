/** What one agent holds: memory by its probe, the rest from /proc and from its home. */
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { BenchAgent } from '../agents.ts'
import type { Held } from '../children/probe.ts'

/** For an answer of a probe: it collects, or writes a snapshot of some hundred MiB, ms. */
const patienceMs = 60_000
/** Files of a home that are looked at. */
const maxFiles = 200_000

export const socketOf = (home: string) => join(home, 'probe.sock')

export async function ask(home: string, question: string): Promise<unknown> {
  const socket = connect(socketOf(home))
  const limit = AbortSignal.timeout(patienceMs)
  limit.addEventListener('abort', () => socket.destroy(new Error('The probe did not answer.')))
  await once(socket, 'connect', { signal: limit })
  socket.write(`${question}\n`)
  return JSON.parse(await text(socket))
}

/** Numbers by name: bytes in MiB, the rest counted. */
export type Facts = Record<string, number>

const mib = (bytes: number) => bytes / 2 ** 20

export async function factsOf({ home, guest }: BenchAgent): Promise<Facts> {
  const settled = await proc(guest.pid)
  const held = (await ask(home, 'held')) as Held
  const resources = Object.values(held.resources).reduce((sum, count) => sum + count, 0)
  return {
    'held heap': mib(held.heapUsed),
    'of which code': mib(held.code),
    'held outside': mib(held.external),
    'heap before': mib(held.before.heapUsed),
    'heap total before': mib(held.before.heapTotal),
    'heap total': mib(held.heapTotal),
    malloced: mib(held.malloced),
    'RSS anon': settled.anon ?? 0,
    RSS: settled.rss ?? mib(held.before.rss),
    'RSS collected': mib(held.rss),
    'processor s': settled.cpu,
    fds: settled.fds,
    children: settled.children,
    resources,
    timers: held.resources['Timeout'] ?? 0,
    listeners: held.listeners,
    ...(await homeOf(home)),
  }
}

async function proc(pid: number) {
  const at = `/proc/${pid}`
  const status = await readFile(`${at}/status`, 'utf8').catch(() => '')
  const field = (name: string) => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
    return kib === undefined ? undefined : Number(kib) / 1_024
  }
  const line = await readFile(`${at}/stat`, 'utf8').catch(() => '')
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const tasks = await readFile(`${at}/task/${pid}/children`, 'utf8').catch(() => '')
  return {
    rss: field('VmRSS'),
    anon: field('RssAnon'),
    cpu: (Number(fields[11]) + Number(fields[12])) / 100,
    fds: (await readdir(`${at}/fd`).catch(() => [])).length,
    children: tasks.split(' ').filter((word) => word !== '').length,
  }
}

/** Size of each folder of a home, and what lies in its git stores. */
async function homeOf(home: string): Promise<Facts> {
  const facts: Facts = {
    'home files': 0,
    'home MiB': 0,
    'journal MiB': 0,
    'run files': 0,
    'work files': 0,
    'store MiB': 0,
    'loose objects': 0,
    packs: 0,
    'loose refs': 0,
  }
  const add = (name: string, count: number) => void (facts[name] = (facts[name] ?? 0) + count)
  const names = await readdir(home, { recursive: true }).catch(() => [])
  for (const name of names.slice(0, maxFiles)) {
    const found = await stat(join(home, name)).catch(() => undefined)
    if (found?.isFile() !== true) continue
    const size = mib(found.blocks * 512)
    const [room = ''] = name.split('/')
    add('home files', 1)
    add('home MiB', size)
    if (room === 'journal') add('journal MiB', size)
    if (room === 'run') add('run files', 1)
    if (room === 'work') add('work files', 1)
    if (room !== 'repositories') continue
    add('store MiB', size)
    if (/\/objects\/[0-9a-f]{2}\//.test(name)) add('loose objects', 1)
    if (name.endsWith('.pack')) add('packs', 1)
    if (/\.git\/refs\//.test(name)) add('loose refs', 1)
  }
  return facts
}
