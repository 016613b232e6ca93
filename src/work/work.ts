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
} from '../util/index.ts'
import { createBudgeting, type BudgetJournal } from './budget/budget.ts'
import type { Budgets } from './budget/limits.ts'
import { choose, type About, type Candidate } from './choose.ts'
import {
  DEFAULT_LIMITS,
  decodeExecutor,
  type ExecutorConfig,
  type ExecutorConfigInput,
  type WorkLimits,
} from './config.ts'
import { detect, DETECTORS, executorDetector } from './detect.ts'
import type { Detector } from './detectors/detector.ts'
import type { Executor } from './executor.ts'
import { createAcpExecutor } from './executors/acp.ts'
import { createChatExecutor } from './executors/chat/chat.ts'
import { createCommandExecutor } from './executors/command.ts'
import { createMockExecutor } from './executors/mock.ts'
import { DEFAULT_PERMISSIONS } from './permission/policy.ts'
import { createQuestions } from './permission/questions.ts'
import { readPermissions } from './permission/read.ts'
import { createHealth, WORKSPACES, type HealthJournal } from './health/health.ts'
import { perform } from './perform.ts'
import { withProbe } from './probe.ts'
import type { PathRules } from './leaving/protected.ts'
import { redacted } from './leaving/redacted.ts'
import { readPolicy } from './read-policy.ts'
import { inspectAll } from './report.ts'
import { hasRoom } from './room.ts'
import type { Work } from './types.ts'
import type { Detected } from './told.ts'
import type { ChildSettings, McpCommand } from './executor-settings.ts'
import { createShelf } from './tools/shelf.ts'
import type { ToolServer } from './tools/types.ts'
import { createWorkspaces } from './workspace.ts'

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
  /** File that says what executors that ask may do. Default: what lies within the workspace. */
  permissions?: string
  /** False where no person can be asked. Default true. */
  askPeople?: boolean
  /** How executors start an MCP server for their task's tools. Default: they have the socket alone. */
  mcp?: McpCommand
  /** What may be spent. Default: as much as it takes. */
  budgets?: Budgets
  /** Whose journal is the own one; needed with a journal. */
  peerId?: string
}

export interface WorkComponents {
  processes: Processes
  git: Git
  logger: Logger
  /** Without one nothing that leaves is searched for secrets. */
  scanner?: SecretScanner
  /** Told of keys that executors read; takes what this agent holds out of all that is told of a task. */
  held?: Pick<HeldSecrets, 'add' | 'redact'>
  clock?: Clock
  /** Where budgets and standings are remembered. Without one: in this process only. */
  journal?: BudgetJournal & HealthJournal
  /** Serves a task's tools to its executor. Without one it has none. */
  toolServer?: ToolServer
  /** An executor is left alone, or is used again: what is announced of it changes. */
  onStanding?: () => void
}

export function createWork(init: WorkInit, components: WorkComponents): Work {
  const { processes, git, scanner, held, journal, clock = systemClock } = components
  const clean = (text: string) => held?.redact(text) ?? text
  const leaving = { paths: init.paths ?? {}, scanner }
  const logger = components.logger.child({ room: 'work' })
  const limits: WorkLimits = { ...DEFAULT_LIMITS, ...init.limits }
  const questions = createQuestions({ logger })
  let permissions = DEFAULT_PERMISSIONS
  const settings: ChildSettings = {
    processes,
    logger,
    clock,
    path: init.path,
    variables: init.variables ?? process.env,
    userHome: init.userHome ?? homedir(),
    permissions: () => permissions,
    ...(init.askPeople === false ? {} : { questions }),
    paths: leaving.paths,
    ...(components.held === undefined ? {} : { held: components.held }),
    sandbox: {
      // What `bzzz mcp` reads holds the node of this installation: each child may name it, checks too.
      readable: [...(init.readable ?? []), ...(init.mcp?.read ?? [])],
      limits: init.use ?? {},
    },
    ...(init.mcp === undefined ? {} : { mcp: init.mcp }),
  }
  const configs = init.executors.map((config) => decodeExecutor(config))
  const executors = configs.map((config) => createExecutor(config, settings))
  const workspaces = createWorkspaces(init.dir, { git, logger })
  const running = new Set<{ stop: AbortController; done: Promise<unknown> }>()
  let present = new Set<string>()
  const busy = new Map<string, number>()
  const shelf = createShelf()
  /** Executor to models that it cannot be told to use, until this agent starts anew. */
  const refused = new Map<string, Map<string, string>>()
  const peerId = init.peerId ?? ''
  const budgeting = createBudgeting(
    { budgets: init.budgets ?? {}, peerId },
    { journal, clock, logger },
  )
  const health = createHealth(
    { names: configs.map(({ name }) => name), peerId },
    {
      clock,
      logger,
      journal,
      onChange: () => components.onStanding?.(),
      async probe(name, signal) {
        if (name === WORKSPACES) return hasRoom(init.dir)
        await look(executorDetectors, signal)
        return present.has(name)
      },
    },
  )

  const candidates = (): Candidate[] =>
    configs.map((config) => {
      const { name, kind } = config
      const away = health.away(WORKSPACES) ?? health.away(name)
      const models = executors.find((one) => one.name === name)?.models ?? []
      return {
        name,
        kind,
        present: present.has(name),
        models,
        busy: busy.get(name) ?? 0,
        refused: refused.get(name),
        ...('cost' in config ? { cost: config.cost, languages: config.languages } : {}),
        ...(away === undefined ? {} : { away }),
      }
    })

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
      if (init.permissions !== undefined) permissions = await readPermissions(init.permissions)
      await workspaces.sweep()
      await look(executorDetectors)
      await budgeting.start()
      await health.start()
    },
    async () => {
      for (const one of running) one.stop.abort()
      await Promise.allSettled([...running].map((one) => one.done))
      await Promise.all([health.stop(), budgeting.stop()])
    },
  )

  const work: Work = {
    freezes: processes.freezes,
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    detect: (signal) => look([...executorDetectors, ...DETECTORS], signal),
    inspect: (signal) =>
      inspectAll(executors, { path: init.path, dir: init.dir }, { processes, logger }, signal),
    questions: () => questions.list(),
    answer: (id, answer) => questions.answer(id, answer),
    readPolicy: (gitDir, commit) => readPolicy(git, gitDir, commit),
    choose(instructions, policy, about: About & { repo?: string; issue?: number } = {}) {
      const choice = choose(instructions, policy, candidates(), about)
      const { repo, issue } = about
      if ('code' in choice || repo === undefined || issue === undefined) return choice
      const refusal = budgeting.refusal({ repo, issue }, policy.budget)
      if (refusal === undefined) return choice
      const { reason, retryAt } = refusal
      return { code: 'BUDGET', reason, ...(retryAt === undefined ? {} : { retryAt }) }
    },
    standings: () => health.view(),
    budgets: () => budgeting.view(),
    spent: (task) => budgeting.spent(task),
    tools: (task) => shelf.find(task),
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
      const done = perform(
        {
          ...options,
          order,
          instructions,
          limits,
          permit,
          signal: stop.signal,
          onEvent: safeOnEvent,
        },
        {
          run: { git, leaving, settings, clock, logger, shelf, toolServer: components.toolServer },
          network: init.network ?? { hosts: [], privateHosts: [] },
          executors,
          workspaces,
          choose: (of, asked, about) => choose(asked, of.policy, candidates(), about),
          health,
          budgeting,
          busy,
          onRefused: (name, model, why) =>
            refused.set(name, new Map(refused.get(name)).set(model.toLowerCase(), why)),
          logger,
        },
      )
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

  return work
}

function createExecutor(config: ExecutorConfig, settings: ChildSettings): Executor {
  switch (config.kind) {
    case 'acp':
      return createAcpExecutor(config, settings)
    case 'chat':
      return createChatExecutor(config, settings)
    case 'command':
      return createCommandExecutor(config, settings)
    case 'mock':
      return createMockExecutor(config, settings)
  }
}
