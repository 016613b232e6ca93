/** A request with all that the system adds to it, ready for a backend. */
import type { SandboxRequest } from '../types.ts'
import { fullLimits, processLimits, type HardLimits, type Limits } from './limits.ts'
import type { SystemPaths } from './system.ts'

export interface SandboxPlan {
  system: SystemPaths
  read: string[]
  write: string[]
  sockets: string[]
  /** Directories of the agent: gone, even below one that may be read; `read` and `write` below them are there. */
  hidden: string[]
  network: 'none' | 'host' | { proxy: string }
  limits: Limits
  perProcess: Required<HardLimits>
  /** User that root changes to. */
  uid: number | undefined
  cwd: string
  /** Of `write`: for temporary files. */
  tmp: string | undefined
}

/** How a sandboxed child is started. */
export interface Launch {
  file: string
  args: string[]
  /** Files to be open as descriptors 3, 4, … */
  inherit: string[]
  /** Its first process ends all others when it gets this, and must not be killed before. */
  endSignal: NodeJS.Signals
}

export interface PlanInit {
  request: SandboxRequest
  system: SystemPaths
  /** To be read beside the request's. */
  roots: string[]
  hidden: string[]
  hard: HardLimits
  uid: number | undefined
  cwd: string
  tmpdir: string | undefined
  memory?: number
}

export const below = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder === '/' ? folder : `${folder}/`)

export function planSandbox(init: PlanInit): SandboxPlan {
  const { request, tmpdir } = init
  const limits = fullLimits(request.limits, init.memory)
  const network = request.network ?? 'none'
  return {
    system: init.system,
    read: [...new Set([...init.roots, ...request.read])].sort(),
    write: [...new Set(request.write)],
    sockets: request.sockets ?? [],
    hidden: init.hidden,
    network,
    limits,
    perProcess: processLimits(limits, init.hard),
    uid: init.uid,
    cwd: init.cwd,
    tmp: tmpdir !== undefined && request.write.includes(tmpdir) ? tmpdir : undefined,
  }
}
