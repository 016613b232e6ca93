/** How the work is made from the configuration, for an agent and for a command. Nothing starts here. */
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import type { Journal } from '../journal/index.ts'
import type { Git, Processes } from '../process/index.ts'
import type { Logger } from '../util/index.ts'
import {
  budgetsSchema,
  createWork,
  type ExecutorConfigInput,
  type ToolServer,
  type Work,
} from '../work/index.ts'
import { executorsOf } from './executors.ts'
import { guarded, type Guard } from './holding.ts'
import { mcpCommand } from './tools.ts'

export interface WorkParts {
  processes: Processes
  git: Git
  /** Without one it is only looked at what is here. */
  guard?: Guard
  logger: Logger
}

/** Where an agent remembers what was spent and how its executors stand; a command has none. */
export interface WorkMemory {
  journal: Journal
  peerId: string
  onStanding: () => void
  /** Serves a task's tools to its executor. */
  toolServer: ToolServer
}

interface WorkOptions extends Partial<WorkMemory> {
  /** False where nobody could answer, as in a command. Default true. */
  askPeople?: boolean
  /** Executors that are tried before they are configured. Default none. */
  also?: ExecutorConfigInput[]
}

export function makeWork(
  config: Config,
  { processes, git, guard, logger }: WorkParts,
  { askPeople = true, also = [], ...memory }: WorkOptions = {},
): Work {
  const isNamed = ({ name }: { name: string }) => also.some((one) => one.name === name)
  const { protectedPaths: protect, allowPaths: allow, network } = config.work
  return createWork(
    {
      dir: join(config.home, 'work'),
      executors: [...also, ...executorsOf(config).filter((one) => !isNamed(one))],
      path: process.env['PATH'] ?? '',
      limits: config.work,
      ...(config.work.permissions === undefined ? {} : { permissions: config.work.permissions }),
      askPeople,
      paths: { protect, allow },
      network,
      readable: config.work.readable,
      mcp: mcpCommand(),
      use: useOf(config),
      budgets: budgetsSchema.parse(config.work.budget),
      ...(memory.peerId === undefined ? {} : { peerId: memory.peerId }),
    },
    {
      processes,
      git,
      ...(guard === undefined ? {} : { scanner: guard.scanner, held: guard.held }),
      logger,
      ...(memory.journal === undefined || guard === undefined
        ? {}
        : { journal: guarded(memory.journal, guard.held) }),
      ...(memory.onStanding === undefined ? {} : { onStanding: memory.onStanding }),
      ...(memory.toolServer === undefined ? {} : { toolServer: memory.toolServer }),
    },
  )
}

function useOf({ work }: Config) {
  const { memoryBytes, processes, diskBytes, openFiles } = work
  return {
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    processes,
    diskBytes,
    openFiles,
  }
}
