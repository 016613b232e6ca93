/**
 * The sandbox of one agent: tried once, then a launcher for every child that asks for it.
 *
 * A backend counts as working only when a child in it did what it may and failed at what it may
 * not (`trial.ts`): version numbers and kernel options say too little.
 */
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { explain, type Logger } from '../../util/index.ts'
import type { Exit, SandboxChoice, SandboxRequest, SandboxState, SpawnRequest } from '../types.ts'
import { bubblewrapLaunch } from './bubblewrap.ts'
import {
  CONTAINER_LACKS,
  containerLaunch,
  containerProblem,
  DEFAULT_ENGINE,
  sweepContainers,
  type ContainerInit,
} from './container/backend.ts'
import { candidates, decideSandbox, NOT_TRIED, type Finding } from './decide.ts'
import { findBubblewrap, findLandlock, inContainer, type Bubblewrap, type Perl } from './find.ts'
import { systemCallFilter } from './filter.ts'
import { landlockLaunch } from './landlock.ts'
import { ownLimits, sandboxAccounts, sandboxUser } from './limits.ts'
import { planSandbox, type Launch, type SandboxPlan } from './plan.ts'
import { pathRoots, systemPaths, type SystemPaths } from './system.ts'
import { tryBackend } from './trial.ts'

/** Makes a child's command into the one that starts it in the sandbox. */
export interface Launcher {
  plan: SandboxPlan
  /** Its programs are not those of the machine: none is looked up here. */
  ownPrograms: boolean
  launch(command: readonly string[]): Launch
}

export interface Sandbox {
  prepare(): Promise<SandboxState>
  state(): SandboxState
  /** Removes containers that an earlier run left; returns how many. */
  sweep(): Promise<number>
  /** Undefined when the child runs without one; `refused` when it must not run. */
  launcher(request: SpawnRequest): Launcher | 'refused' | undefined
}

export interface SandboxInit {
  /** Of the agent: hidden from every sandbox, but for what a request names in it. */
  stateDir: string
  choice: SandboxChoice
  container: ContainerInit | undefined
  logger: Logger
  /** PATH on which its tools are looked for. */
  path: string
  /** Runs a child by the given launcher. */
  run: (request: SpawnRequest, launcher: Launcher) => Promise<Exit>
}

type Backend = (plan: SandboxPlan, command: readonly string[]) => Launch | undefined

const FORWARD: [string, string] = [
  process.execPath,
  fileURLToPath(import.meta.url.replace(/sandbox\.(\w+)$/, 'forward.$1')),
]

export function createSandbox(init: SandboxInit): Sandbox {
  const { stateDir, choice, logger } = init
  const hard = ownLimits()
  const isRoot = process.getuid?.() === 0
  const roots = new Map<string, string[]>()
  let system: SystemPaths | undefined
  let state: SandboxState = choice === 'off' ? decideSandbox(choice, []) : NOT_TRIED
  let backend: Backend | undefined
  let preparing: Promise<SandboxState> | undefined

  function planOf(request: SpawnRequest, sandbox: SandboxRequest): SandboxPlan {
    system ??= systemPaths()
    const path = request.env['PATH'] ?? ''
    const known = roots.get(path) ?? pathRoots(path)
    roots.clear()
    roots.set(path, known)
    const first = sandbox.write[0]
    return planSandbox({
      request: sandbox,
      system,
      // In a container the programs are those of its image.
      roots: choice === 'container' ? [] : known,
      hidden: [stateDir],
      hard,
      uid: isRoot && first !== undefined ? sandboxUser(first) : undefined,
      cwd: request.cwd,
      tmpdir: request.env['TMPDIR'],
    })
  }

  function launcherOf(by: Backend, request: SpawnRequest, sandbox: SandboxRequest): Launcher {
    const plan = planOf(request, sandbox)
    if (plan.uid !== undefined) openSockets(plan)
    return {
      plan,
      ownPrograms: choice === 'container',
      launch(command) {
        const launch = by(plan, command)
        if (launch === undefined) throw new Error('There is no filter for this architecture.')
        return launch
      },
    }
  }

  async function examine(kind: Finding['kind']): ReturnType<typeof tried> {
    if (kind === 'container') return examineContainer(init.container)
    const found =
      kind === 'bubblewrap' ? await findBubblewrap(init.path) : await findLandlock(init.path)
    if ('why' in found) return [{ kind, works: false, lacks: [], ...found }]
    const by = 'options' in found ? bubblewrapOf(found) : landlockOf(found)
    return tried(kind, by, { next: found.next, lacks: found.lacks(isRoot) })
  }

  async function tried(
    kind: Finding['kind'],
    by: Backend,
    { next, lacks }: { next: string; lacks: string[] },
  ): Promise<[Finding, Backend?]> {
    const run = (request: SpawnRequest, sandbox: SandboxRequest) =>
      init.run(request, launcherOf(by, request, sandbox))
    const why = await tryBackend({ dir: stateDir, path: init.path, run })
    if (why === undefined) return [{ kind, works: true, why: '', lacks }, by]
    return [{ kind, works: false, why, next, lacks: [] }]
  }

  async function examineContainer(container: ContainerInit | undefined): ReturnType<typeof tried> {
    const kind = 'container'
    if (container === undefined) {
      const next = 'Name an image: work.sandboxImage.'
      return [{ kind, works: false, why: 'It names no image.', next, lacks: [] }]
    }
    const problem = await containerProblem(container)
    if (problem !== undefined) return [{ kind, works: false, lacks: [], ...problem }]
    const { image, socket = DEFAULT_ENGINE } = container
    const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
    const about = { socket, image, home: stateDir, user, forward: FORWARD }
    const next = 'Use an image with /bin/sh, and keep the home of the agent in a volume.'
    const by: Backend = (plan, command) => containerLaunch(about, plan, command)
    return tried(kind, by, { next, lacks: CONTAINER_LACKS })
  }

  function bubblewrapOf({ file, options }: Bubblewrap): Backend {
    const code = systemCallFilter({ arch: process.arch, sockets: 'namespace', shared: false })
    const filter = join(stateDir, 'sandbox.bpf')
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    if (code !== undefined) writeFileSync(filter, code, { mode: 0o600 })
    const accounts = isRoot ? { accounts: writeAccounts(stateDir) } : {}
    const known = { file, options, filter: code && filter, ...accounts, forward: FORWARD }
    return (plan, command) => bubblewrapLaunch(known, plan, command)
  }

  function landlockOf({ perl }: Perl): Backend {
    const { arch, pid: parent } = process
    return (plan, command) =>
      landlockLaunch({ perl, arch, parent, forward: FORWARD }, plan, command)
  }

  async function decide(): Promise<SandboxState> {
    const findings: Finding[] = []
    for (const kind of candidates(choice)) {
      const [finding, by] = await examine(kind)
      findings.push(finding)
      if (by === undefined) continue
      backend = by
      break
    }
    state = decideSandbox(choice, findings, inContainer())
    logger.debug({ sandbox: state.kind, why: state.why }, 'decided on a sandbox')
    return state
  }

  return {
    prepare: () => (preparing ??= choice === 'off' ? Promise.resolve(state) : decide()),
    state: () => state,
    sweep: async () => {
      if (choice !== 'container' || init.container === undefined) return 0
      return sweepContainers(stateDir, init.container.socket).catch((error: unknown) => {
        logger.warn({ error: explain(error) }, 'containers of an earlier run could not be swept')
        return 0
      })
    },
    launcher(request) {
      if (request.sandbox === undefined) return undefined
      if (backend !== undefined) return launcherOf(backend, request, request.sandbox)
      return state.off ? undefined : 'refused'
    },
  }
}

/** The user of a sandbox may connect to sockets that only root could; the directory keeps others out. */
function openSockets({ sockets, network }: SandboxPlan): void {
  for (const path of typeof network === 'object' ? [...sockets, network.proxy] : sockets) {
    const closed = (statSync(dirname(path)).mode & 0o007) === 0
    if (closed) chmodSync(path, 0o666)
  }
}

function writeAccounts(stateDir: string): { passwd: string; group: string } {
  const paths = {
    passwd: join(stateDir, 'sandbox.passwd'),
    group: join(stateDir, 'sandbox.group'),
  }
  const texts = sandboxAccounts()
  for (const name of ['passwd', 'group'] as const)
    writeFileSync(paths[name], texts[name], { mode: 0o644 })
  return paths
}
