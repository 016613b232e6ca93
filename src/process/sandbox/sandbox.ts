/**
 * The sandbox of one agent: tried once, then a launcher for every child that asks for it.
 *
 * A backend counts as working only when a child in it did what it may and failed at what it may
 * not (`trial.ts`): version numbers and kernel options say too little.
 */
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../../util/index.ts'
import type { Exit, SandboxChoice, SandboxRequest, SandboxState, SpawnRequest } from '../types.ts'
import { bubblewrapLaunch } from './bubblewrap.ts'
import { candidates, decideSandbox, NOT_TRIED, type Finding } from './decide.ts'
import { findBubblewrap, findLandlock, type Bubblewrap, type Perl } from './find.ts'
import { systemCallFilter } from './filter.ts'
import { landlockLaunch } from './landlock.ts'
import { ownLimits, sandboxUser } from './limits.ts'
import { planSandbox, type Launch, type SandboxPlan } from './plan.ts'
import { pathRoots, systemPaths, type SystemPaths } from './system.ts'
import { tryBackend } from './trial.ts'

/** Makes a child's command into the one that starts it in the sandbox. */
export interface Launcher {
  plan: SandboxPlan
  launch(command: readonly string[]): Launch
}

export interface Sandbox {
  prepare(): Promise<SandboxState>
  state(): SandboxState
  /** Undefined when the child runs without one; `refused` when it must not run. */
  launcher(request: SpawnRequest): Launcher | 'refused' | undefined
}

export interface SandboxInit {
  /** Of the agent: hidden from every sandbox, but for what a request names in it. */
  stateDir: string
  choice: SandboxChoice
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
      roots: known,
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
      launch(command) {
        const launch = by(plan, command)
        if (launch === undefined) throw new Error('There is no filter for this architecture.')
        return launch
      },
    }
  }

  async function examine(kind: Finding['kind']): Promise<[Finding, Backend?]> {
    const found =
      kind === 'bubblewrap' ? await findBubblewrap(init.path) : await findLandlock(init.path)
    if ('why' in found) return [{ kind, works: false, lacks: [], ...found }]
    const by = 'options' in found ? bubblewrapOf(found) : landlockOf(found)
    const run = (request: SpawnRequest, sandbox: SandboxRequest) =>
      init.run(request, launcherOf(by, request, sandbox))
    const why = await tryBackend({ dir: stateDir, path: init.path, run })
    if (why === undefined) return [{ kind, works: true, why: '', lacks: found.lacks(isRoot) }, by]
    return [{ kind, works: false, why, next: found.next, lacks: [] }]
  }

  function bubblewrapOf({ file, options }: Bubblewrap): Backend {
    const code = systemCallFilter({ arch: process.arch, sockets: 'namespace', shared: false })
    const filter = join(stateDir, 'sandbox.bpf')
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    if (code !== undefined) writeFileSync(filter, code, { mode: 0o600 })
    const known = { file, options, filter: code && filter, forward: FORWARD }
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
    state = decideSandbox(choice, findings)
    logger.debug({ sandbox: state.kind, why: state.why }, 'decided on a sandbox')
    return state
  }

  return {
    prepare: () => (preparing ??= choice === 'off' ? Promise.resolve(state) : decide()),
    state: () => state,
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
