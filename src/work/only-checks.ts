/**
 * Checks of a commit as it is, with no executor: a base that was merged without conflicts leaves nothing to
 * change. The same workspace, sandbox, search and checks as for any other task.
 */
import type { Logger } from '../util/index.ts'
import { NO_OUTPUT, type Executor } from './executor.ts'
import { withNetwork } from './network.ts'
import { runTask } from './run.ts'
import type { RunComponents, RunInit } from './run-types.ts'
import type { Changed, Failed } from './types.ts'
import type { WorkEvent } from './events.ts'
import type { Workspace, Workspaces } from './workspace.ts'

export interface OnlyChecksComponents {
  run: RunComponents
  network: { hosts: readonly string[]; privateHosts: readonly string[] }
  workspaces: Workspaces
  logger: Logger
}

/** What results say in the place of an executor's name. */
export const NOBODY = 'none'

const untouched: Executor = {
  name: NOBODY,
  kind: 'command',
  models: [],
  capabilities: { turns: false, permissions: false, usage: false },
  detect: async () => ({}),
  start: () => ({
    events: nothing(),
    result: Promise.resolve({
      outcome: 'done',
      reason: '',
      durationMs: 0,
      summary: '',
      output: NO_OUTPUT,
    }),
    stop: async () => undefined,
  }),
}

async function* nothing(): AsyncGenerator<never> {
  yield* []
}

/** Errors: `WORKSPACE`, `ABORTED`, where no workspace can be made. */
export async function onlyChecks(
  init: Omit<RunInit, 'executor' | 'workspace' | 'why' | 'model'>,
  { run, network, workspaces, logger }: OnlyChecksComponents,
): Promise<{ result: Changed | Failed; workspace: Workspace }> {
  const workspace = await workspaces.create(init.order, init.signal)
  const { onCheckpoint: _, ...rest } = init
  // No executor has run, so none is told of.
  const onEvent = (event: WorkEvent) => {
    if (event.type === 'check.run' || event.type === 'executor.network') init.onEvent(event)
  }
  const onReport = (report: Extract<WorkEvent, { type: 'executor.network' }>['report']) =>
    onEvent({ type: 'executor.network', report })
  const result = await withNetwork({ ...network, needed: [] }, { logger, onReport }, (reachable) =>
    runTask(
      { ...rest, onEvent, executor: untouched, workspace: { ...workspace, ...reachable } },
      run,
    ),
  )
  return { result, workspace }
}
