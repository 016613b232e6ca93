/** What one run of a task is given, and by what it is done. */
import type { Git } from '../process/index.ts'
import type { Clock, Logger, Permit } from '../util/index.ts'
import type { CollectInit } from './collect.ts'
import type { WorkLimits } from './config.ts'
import type { WorkEvent } from './events.ts'
import type { ChildSettings } from './executor-settings.ts'
import type { Runner } from './executor.ts'
import type { Instructions } from './terms.ts'
import type { Shelf } from './tools/shelf.ts'
import type { TaskFacts, ToolServer } from './tools/types.ts'
import type { RunOptions, WorkOrder } from './types.ts'
import type { Workspace } from './workspace.ts'

export interface RunInit {
  order: WorkOrder
  instructions: Instructions
  executor: Runner
  /** Why this one, and which of its models. */
  why?: string
  model?: string
  workspace: Workspace
  limits: WorkLimits
  signal: AbortSignal
  permit: Permit
  onEvent: (event: WorkEvent) => void
  onCheckpoint?: RunOptions['onCheckpoint']
  checkpointMs?: number | undefined
  /** Whom it may ask for help. Default: nobody. */
  peers?: RunOptions['peers']
  /** What is left of the limits of the task. */
  budgetLeft?: () => TaskFacts['left']
}

export interface RunComponents {
  git: Git
  /** What may leave; see `collect`. */
  leaving: Pick<CollectInit, 'paths' | 'scanner'>
  settings: ChildSettings
  clock: Clock
  logger: Logger
  /** Where the tools of a task are found while its executor works. */
  shelf?: Shelf
  /** Serves them to the executor. */
  toolServer?: ToolServer | undefined
}
