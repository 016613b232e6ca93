/** The room's capability: detection, policy, choice, and tasks, of which several may run at once. */
import { homedir } from 'node:os'
import type { Git, Processes, SandboxLimits } from '../process/index.ts'
import type { HeldSecrets, SecretScanner } from '../secrets/index.ts'
import {
  explain,
  Lifecycle,
  systemClock,
  unlimited,
  type Clock,
  type Logger,
  type Permit,
} from '../util/index.ts'
import { choose } from './choose.ts'
import {
  DEFAULT_LIMITS,
  executorConfigSchema,
  type ExecutorConfig,
  type ExecutorConfigInput,
  type WorkLimits,
} from './config.ts'
import { detect, DETECTORS, executorDetector, type Detector } from './detect.ts'
import { WorkError } from './errors.ts'
import type { ChildSettings } from './executor-settings.ts'
import type { Executor } from './executor.ts'
import { createAcpExecutor } from './executors/acp.ts'
import { createCommandExecutor } from './executors/command.ts'
import { createMockExecutor } from './executors/mock.ts'
import { withProbe } from './probe.ts'
import type { PathRules } from './leaving/protected.ts'
import { redacted } from './leaving/redacted.ts'
import { withNetwork } from './network.ts'
import { readPolicy } from './read-policy.ts'
import { explainOuter, runTask } from './run.ts'
import type { Changed, Detected, Failed, RunOptions, Work, WorkOrder } from './types.ts'
import { createWorkspaces, type Workspace } from './workspace.ts'

export interface WorkInit {
  /** Directory of this room alone: workspaces are made below it, and leftovers in it removed. */
  dir: string
  /** In the order of preference. */
  executors: readonly ExecutorConfigInput[]
  /** PATH of children; nothing else is looked through for executors and tools. */
  path: string
  limits?: Partial<WorkLimits>
  /** What the operator changes about protected paths. Default: nothing. */
  paths?: PathRules
  /** What tasks may reach of the network, as `EgressInit`. Default: what their executor needs. */
  network?: { hosts: readonly string[]; privateHosts: readonly string[] }
  /** Whether workspaces of failed tasks are kept (the newest 20) to be looked at. Default false. */
  keepFailedWorkspaces?: boolean
  /** Where the values of variables come from that executors pass on. Default: the agent's own. */
  variables?: Readonly<Record<string, string | undefined>>
  /** Home that `home: user` passes. Default: the user's. */
  userHome?: string
  /** Files and directories that children may read beside programs. Default none. */
  readable?: readonly string[]
  /** What one child may use of the machine; defaults of `SandboxLimits`. */
  use?: SandboxLimits
  /** Default http://127.0.0.1:11434. */
  ollamaUrl?: string
}

export interface WorkComponents {
  processes: Processes
  git: Git
  logger: Logger
  /** Without one nothing that leaves is searched for secrets. */
  scanner?: SecretScanner
  /** Takes what this agent holds out of all that is told of a task. */
  held?: Pick<HeldSecrets, 'redact'>
  clock?: Clock
}

export function createWork(init: WorkInit, components: WorkComponents): Work {
  const { processes, git, scanner, held, clock = systemClock } = components
  const clean = (text: string) => held?.redact(text) ?? text
  const leaving = { paths: init.paths ?? {}, scanner }
  const logger = components.logger.child({ room: 'work' })
  const limits: WorkLimits = { ...DEFAULT_LIMITS, ...init.limits }
  const settings: ChildSettings = {
    processes,
    logger,
    clock,
    path: init.path,
    variables: init.variables ?? process.env,
    userHome: init.userHome ?? homedir(),
    sandbox: { readable: init.readable ?? [], limits: init.use ?? {} },
  }
  const configs = init.executors.map((config) => executorConfigSchema.parse(config))
  const executors = configs.map((config) => createExecutor(config, settings))
  const workspaces = createWorkspaces(init.dir, { git, logger })
  const running = new Set<{ stop: AbortController; done: Promise<unknown> }>()
  let present = new Set<string>()

  async function look(detectors: readonly Detector[], signal?: AbortSignal): Promise<Detected> {
    const found = await withProbe(
      { path: init.path, dir: init.dir },
      { processes, logger },
      (probe) =>
        detect(
          detectors,
          {
            probe,
            configured: new Set(configs.map((config) => config.name)),
            ollamaUrl: init.ollamaUrl ?? 'http://127.0.0.1:11434',
            drmDir: '/sys/class/drm',
          },
          logger,
          signal,
        ),
    )
    present = new Set(found.executors.map((executor) => executor.name))
    return found
  }

  const executorDetectors = executors.map(executorDetector)
  const lifecycle = new Lifecycle(
    async () => {
      await processes.prepare()
      await workspaces.sweep()
      await look(executorDetectors)
    },
    async () => {
      for (const one of running) one.stop.abort()
      await Promise.allSettled([...running].map((one) => one.done))
    },
  )

  const work: Work = {
    freezes: processes.freezes,
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    detect: (signal) => look([...executorDetectors, ...DETECTORS], signal),
    readPolicy: (gitDir, commit) => readPolicy(git, gitDir, commit),
    choose: (instructions, policy) =>
      choose(
        instructions,
        policy,
        configs.map(({ name, kind }) => ({ name, kind, present: present.has(name) })),
      ),
    run: async (order, instructions, options) => {
      const { signal, permit = unlimited, onEvent } = options
      const began = clock.monotonic()
      const stop = new AbortController()
      const onAbort = () => stop.abort(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted || !lifecycle.running) stop.abort()
      const safeOnEvent: typeof onEvent = (event) => {
        try {
          onEvent(redacted(event, clean))
        } catch (error) {
          logger.error({ error: explain(error), event: event.type }, 'a listener failed')
        }
      }
      const done = perform(order, instructions, {
        ...options,
        signal: stop.signal,
        permit,
        onEvent: safeOnEvent,
      })
      const entry = { stop, done }
      running.add(entry)
      const { result, workspace } = await done
      running.delete(entry)
      signal.removeEventListener('abort', onAbort)
      const keep = init.keepFailedWorkspaces === true && result.outcome === 'failed'
      return {
        ...redacted(result, clean),
        durationMs: clock.monotonic() - began,
        dispose: async () => workspace?.dispose(keep),
      }
    },
  }

  async function perform(
    order: WorkOrder,
    instructions: Parameters<Work['run']>[1],
    options: RunOptions & { permit: Permit },
  ): Promise<{ result: Changed | Failed; workspace?: Workspace }> {
    const { signal } = options
    const choice = work.choose(instructions, order.policy)
    if ('reason' in choice) return { result: failed(choice.code, choice.reason) }
    const executor = executors.find((one) => one.name === choice.executor)
    if (executor === undefined) return { result: failed('NO_EXECUTOR', 'It is gone.') }
    if (signal.aborted) return { result: failed('ABORTED', 'The task was stopped.') }
    try {
      const workspace = await workspaces.create(order, signal)
      const result = await withNetwork(
        { ...init.network, needed: executor.hosts ?? [] },
        { logger, onReport: (report) => options.onEvent({ type: 'executor.network', report }) },
        (network) => {
          const placed = { ...workspace, ...network }
          const task = { ...options, order, instructions, executor, limits }
          const components = { git, leaving, settings, clock, logger }
          return runTask({ ...task, workspace: placed }, components)
        },
      )
      return { result, workspace }
    } catch (error) {
      const code = error instanceof WorkError && error.code === 'ABORTED' ? 'ABORTED' : 'WORKSPACE'
      return { result: failed(code, explainOuter(error), executor.name) }
    }
  }

  return work
}

function createExecutor(config: ExecutorConfig, settings: ChildSettings): Executor {
  switch (config.kind) {
    case 'acp':
      return createAcpExecutor(config, settings)
    case 'command':
      return createCommandExecutor(config, settings)
    case 'mock':
      return createMockExecutor(config, settings)
  }
}

function failed(code: Failed['code'], reason: string, executor?: string): Failed {
  return {
    outcome: 'failed',
    code,
    reason,
    tried: [],
    checks: [],
    ...(executor === undefined ? {} : { executor }),
  }
}
