/** Sibling containers: what is needed for them, the launch of one, and the sweep of those that were left. */
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { explain } from '../../../util/index.ts'
import type { Launch, SandboxPlan } from '../plan.ts'
import { engineAt, EngineError, nothing } from './engine.ts'
import { filtered } from './filtered.ts'
import { HOME_LABEL, jobOf, type JobInit } from './spec.ts'

const RUNNER = fileURLToPath(import.meta.url.replace(/backend\.(\w+)$/, 'run.$1'))
export const DEFAULT_ENGINE = '/var/run/docker.sock'

export interface ContainerInit {
  /** With a shell, git, and what the repositories need. */
  image: string
  /** Unix socket of the engine. Default /var/run/docker.sock. */
  socket?: string
}

export function containerLaunch(
  { forward, ...init }: JobInit & { forward: [program: string, script: string] },
  plan: SandboxPlan,
  command: readonly string[],
): Launch {
  const leads =
    typeof plan.network === 'object' ? [...forward, 'run', plan.network.proxy] : undefined
  const shown = leads === undefined ? plan : { ...plan, read: [...plan.read, ...forward] }
  return {
    file: process.execPath,
    args: [
      RUNNER,
      JSON.stringify(jobOf(init, shown, filtered([...(leads ?? []), ...command], process.arch))),
    ],
    inherit: [],
    endSignal: 'SIGHUP',
    pause: { freeze: 'SIGURG', thaw: 'SIGCONT' },
  }
}

/** Undefined when the engine answers and has the image. */
export async function containerProblem({
  image,
  socket = DEFAULT_ENGINE,
}: ContainerInit): Promise<{ why: string; next: string } | undefined> {
  try {
    await engineAt(socket).call('GET', `/images/${encodeURIComponent(image)}/json`, nothing)
    return undefined
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) {
      return { why: `There is no image ${image}.`, next: `Type: docker pull ${image}` }
    }
    const next = `Start a container engine, or name its socket (work.sandboxEngine).`
    return { why: `${socket} does not answer: ${explain(error)}`, next }
  }
}

export const CONTAINER_LACKS = [
  'The socket of the engine gives whoever holds it the whole host; only the agent does.',
  'Programs are those of the image; where it has no perl, system calls are filtered by the engine’s own list alone, and one call can take all of the disk.',
  'A file that is open and has no name any more is not counted, before half of the free space is gone.',
  'While the agent is stopped itself, a child is paused by a shell and not by the kernel.',
]

/** Removes what an earlier run of this home left; returns how many. */
export async function sweepContainers(home: string, socket = DEFAULT_ENGINE): Promise<number> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${HOME_LABEL}=${home}`] }))
  const engine = engineAt(socket)
  const schema = z.array(z.object({ Id: z.string() }))
  const left = await engine.call('GET', `/containers/json?all=true&filters=${filters}`, schema)
  for (const { Id } of left) {
    await engine.call('DELETE', `/containers/${Id}?force=true&v=true`, nothing)
  }
  return left.length
}
