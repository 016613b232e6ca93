/**
 * Landlock: a domain of the same namespaces, for machines and containers where none can be made. Only
 * what the request names can be opened; sockets are refused by the filter; signals and abstract sockets
 * end at the domain (from its version 6 on). `landlock.pl` makes the calls and stays as the keeper of
 * all processes.
 *
 * Landlock only allows, so a directory to be hidden below one that may be read is left out by allowing
 * everything beside it. /proc is not readable but for what describes the machine and the program's own.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemCallFilter, type FilterSockets } from './filter.ts'
import { OOM_SCORE } from './limits.ts'
import { below, type Launch, type SandboxPlan } from './plan.ts'
import { resolverPaths } from './system.ts'

export const LANDLOCK_SCRIPT = fileURLToPath(new URL('./landlock.pl', import.meta.url))

/** Older ones let a file be cut to nothing that may not be written. Linux 6.2. */
export const LEAST_ABI = 3

const PROC = ['cpuinfo', 'filesystems', 'loadavg', 'meminfo', 'stat', 'sys', 'uptime', 'version']
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
/** Processes of the same user that are not of the sandbox. */
const OTHERS = 4_096
/** Names in a directory of which one is hidden: more are not shown. */
const MAX_BESIDE = 2_000

export interface LandlockInit {
  /** Absolute path of perl. */
  perl: string
  arch: string
  /** Process that the keeper ends with. */
  parent: number
  forward: [program: string, script: string]
}

export function socketsOf({ network, sockets }: SandboxPlan): FilterSockets {
  if (network === 'host') return 'namespace'
  if (network !== 'none') return 'tcp'
  return sockets.length > 0 ? 'unix' : 'none'
}

export function landlockLaunch(
  { perl, arch, parent, forward }: LandlockInit,
  plan: SandboxPlan,
  command: readonly string[],
): Launch | undefined {
  const { network } = plan
  const filter = systemCallFilter({ arch, sockets: socketsOf(plan), shared: true })
  if (filter === undefined) return undefined
  const args = [LANDLOCK_SCRIPT, `parent=${parent}`, `oom=${OOM_SCORE}`]
  if (plan.uid !== undefined) args.push(`uid=${plan.uid}`)
  // The kernel counts all processes of a user: what else this user runs must not use the limit up.
  const nproc = plan.perProcess.nproc + (plan.uid === undefined ? OTHERS : 0)
  for (const [name, value] of Object.entries({ ...plan.perProcess, nproc })) {
    args.push(`${name}=${value}`)
  }
  if (network === 'host') args.push('host=1')
  if (typeof network === 'object') {
    args.push(`proxy=${network.proxy}`, `node=${forward[0]}`, `forward=${forward[1]}`)
  }
  const names = network === 'host' ? resolverPaths() : []
  const proc = PROC.map((name) => `/proc/${name}`)
  const read = [...plan.system.read, ...names, ...proc, ...plan.read]
  for (const path of read.flatMap((one) => without(one, plan.hidden))) args.push(`read=${path}`)
  for (const name of DEVICES) args.push(`device=/dev/${name}`)
  for (const path of plan.write) args.push(`write=${path}`)
  args.push(`seccomp=${filter.toString('hex')}`, '--', ...command)
  return { file: perl, args, inherit: [], endSignal: 'SIGUSR1' }
}

/** `path`, or what is in it without the hidden directories. What lies in a hidden one stays: it was named. */
export function without(path: string, hidden: readonly string[]): string[] {
  const inner = hidden.filter((folder) => below(folder, path) && folder !== path)
  if (inner.length === 0) return hidden.includes(path) ? [] : [path]
  let names: string[]
  try {
    names = readdirSync(path)
  } catch {
    return []
  }
  return names.slice(0, MAX_BESIDE).flatMap((name) => {
    const at = join(path, name)
    return inner.includes(at) ? [] : without(at, inner)
  })
}
