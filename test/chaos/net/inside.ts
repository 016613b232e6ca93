/**
 * Where the faults are injected: namespaces of network, mounts and processes that belong to one run.
 * A script enters itself again inside them, so that everything it makes there (namespaces, bridges,
 * mounts, processes) is private and is gone with it, also after SIGKILL: the kernel takes it all
 * down when the first process inside has ended. Nothing needs a name that others see, nothing is
 * left to sweep, and the root namespace, which container software filters, is not touched.
 *
 * As root by plain `unshare`; as anybody else by a user namespace, where the kernel lets them.
 *
 * @example
 * const here = await enterWorld(import.meta.filename, process.argv.slice(2))
 * if (here.is === 'outside') process.exitCode = here.code
 * else if (here.is === 'impossible') console.log(here.reason)
 * else await work(here.signal)
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const mark = 'BZZZ_CHAOS_WORLD'
/** For a probe of what the machine can do, ms. */
const probeMs = 10_000
/** For a run inside that was asked to end, ms. */
const graceMs = 60_000

export type Entered =
  /**
   * This is the process inside. The signal fires when the run is to end. `dir`: temporary, removed
   * at the end unless `keepDir` was called for it, and by a later run when this one is killed.
   */
  | { is: 'inside'; signal: AbortSignal; rootless: boolean; dir: string }
  /** The run inside has ended with this code. */
  | { is: 'outside'; code: number }
  /** This machine cannot make namespaces, or lacks a program; `next`: what to install or allow. */
  | { is: 'impossible'; reason: string; next: string }

/** Each with the Debian package that brings it. */
const programs = [
  ['unshare', 'util-linux'],
  ['nsenter', 'util-linux'],
  ['ip', 'iproute2'],
  ['iptables', 'iptables'],
] as const

const asRoot = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
const asUser = ['--user', '--map-root-user', ...asRoot]

/** What is tried before: the very things that a world is made of. */
const trial = `mount -t tmpfs none /run
mkdir /run/netns
ip netns add probe
ip link add probe0 type veth peer name eth0 netns probe
nsenter --net=/run/netns/probe ip link add br0 type bridge
nsenter --net=/run/netns/probe iptables -t nat -A POSTROUTING -j MASQUERADE
nsenter --net=/run/netns/probe unshare --mount mount -t sysfs none /sys`

/** Enters the script again inside a world of its own, and waits for its end. */
export async function enterWorld(script: string, args: readonly string[]): Promise<Entered> {
  const how = process.env[mark]
  if (how !== undefined) {
    const [kind, dir = ''] = how.split(' ')
    return { is: 'inside', ...(await settle()), rootless: kind === 'user', dir }
  }
  const possible = await probe()
  if ('reason' in possible) return { is: 'impossible', ...possible }
  const { flags, rootless } = possible
  await sweep()
  const dir = join(tmpdir(), `${prefix}${process.pid}`)
  await mkdir(dir, { mode: 0o700 })
  // A shell is the first process inside: it collects the orphans of all others.
  const shell = ['sh', '-c', '"$@"; exit $?', 'sh']
  const node = [process.execPath, ...process.execArgv, script, ...args]
  const child = spawn('unshare', [...flags, ...shell, ...node], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [mark]: `${rootless ? 'user' : 'root'} ${dir}` },
  })
  let late: NodeJS.Timeout | undefined
  const end = () => {
    if (child.connected) child.send('end')
    late ??= setTimeout(() => child.kill('SIGKILL'), graceMs)
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, end)
  const [code] = (await once(child, 'exit')) as [number | null]
  clearTimeout(late)
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, end)
  if (!(await isKept(dir))) await rm(dir, removing)
  return { is: 'outside', code: code ?? 1 }
}

const prefix = 'bzzz-chaos-net-'
const keptFile = 'kept'
const removing = { recursive: true, force: true, maxRetries: 3 } as const

/** From now on the directory outlives the run. */
export const keepDir = async (dir: string) => writeFile(join(dir, keptFile), '')

const isKept = async (dir: string) =>
  access(join(dir, keptFile)).then(
    () => true,
    () => false,
  )

/** Removes directories of runs that were killed. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(name.startsWith(prefix) ? name.slice(prefix.length) : Number.NaN)
    const dir = join(tmpdir(), name)
    if (!Number.isInteger(pid) || isAlive(pid) || (await isKept(dir))) continue
    await rm(dir, removing).catch(() => undefined)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The process inside: names of its own for namespaces, and an end when the one outside ends. */
async function settle(): Promise<{ signal: AbortSignal }> {
  const over = new AbortController()
  const end = () => over.abort(new Error('the run was ended'))
  process.on('message', end)
  process.on('disconnect', end)
  process.channel?.unref()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, end)
  await run('sh', ['-ec', 'mount -t tmpfs none /run; mkdir /run/netns; ip link set lo up'])
  return { signal: over.signal }
}

async function probe(): Promise<
  { flags: readonly string[]; rootless: boolean } | { reason: string; next: string }
> {
  if (process.platform !== 'linux') {
    return { reason: `${process.platform} has no network namespaces`, next: 'Run it on Linux.' }
  }
  const missing: (typeof programs)[number][] = []
  for (const one of programs) {
    const there = await run('sh', ['-c', `command -v ${one[0]}`]).catch(() => undefined)
    if (there === undefined) missing.push(one)
  }
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))]
    const names = missing.map(([program]) => program).join(', ')
    return {
      reason: `${names} ${missing.length === 1 ? 'is' : 'are'} not installed`,
      next: `apt-get install -y --no-install-recommends ${packages.join(' ')}`,
    }
  }
  const rootless = process.getuid?.() !== 0
  const flags = rootless ? asUser : asRoot
  try {
    await run('unshare', [...flags, 'sh', '-ec', trial], { timeout: probeMs })
    return { flags, rootless }
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1)
    const reason = `namespaces cannot be made here: ${said === undefined || said === '' ? 'refused' : said}`
    const next = rootless
      ? 'Run it as root, or allow user namespaces (sysctl user.max_user_namespaces).'
      : 'Run it outside of a container, or in one with CAP_SYS_ADMIN and CAP_NET_ADMIN.'
    return { reason, next }
  }
}
