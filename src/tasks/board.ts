/** The table of tasks, kept up to date from the journals that are here. Observers run only this. */
import {
  explain,
  Lifecycle,
  systemClock,
  type Clock,
  type Logger,
  type Startable,
} from '../util/index.ts'
import type { TasksJournal } from './needs.ts'
import { createTable, type TaskTable } from './table.ts'
import type { TaskDetail } from './types.ts'

/** `detail` gives no history; `read` does. */
export interface Board extends Startable, Omit<TaskTable, 'add'> {
  /**
   * The same as `detail`, read from the journals by their indexes: also while the table is still being
   * built, and of tasks that it has forgotten. Undefined when no journal here names it.
   */
  read(ref: { repo: string; issue: number }): Promise<TaskDetail | undefined>
}

export interface BoardComponents {
  journal: Pick<TasksJournal, 'read' | 'tail'>
  logger: Logger
  clock?: Clock
}

export function createBoard({ journal, logger, clock = systemClock }: BoardComponents): Board {
  const table = createTable(() => clock.now(), { maxHistory: 0 })
  let stopping = new AbortController()
  let reading: Promise<void> = Promise.resolve()
  const lifecycle = new Lifecycle(
    async () => {
      stopping = new AbortController()
      reading = (async () => {
        for await (const entry of journal.tail({}, stopping.signal)) table.add(entry)
      })().catch((error: unknown) => {
        if (!stopping.signal.aborted)
          logger.error(
            { event: 'board', err: explain(error) },
            'the table of tasks is not followed any more',
          )
      })
    },
    async () => {
      stopping.abort()
      await reading
    },
  )
  return {
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    rows: () => table.rows(),
    detail: (ref) => table.detail(ref),
    async read({ repo, issue }) {
      const one = createTable(() => clock.now())
      for await (const entry of journal.read({ task: { repo, issue } })) one.add(entry)
      return one.detail({ repo, issue })
    },
    contention: () => table.contention(),
  }
}
