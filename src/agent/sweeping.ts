/** The process room as a part of the agent. */
import type { Processes } from '../process/index.ts'
import type { Logger, Startable } from '../util/index.ts'

/** Ends what an earlier run left behind before anything new is started. */
export function sweeping(processes: Processes, logger: Logger): Startable {
  return {
    start: async () => {
      const swept = await processes.sweep()
      if (swept === 0) return
      logger.warn({ event: 'agent.swept', swept }, 'ended processes that an earlier run left')
    },
    stop: () => processes.stop(),
  }
}
