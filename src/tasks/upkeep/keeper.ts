/** Looks after all stores of the agent, one after the other, in its own time: never within a turn. */
import {
  explain,
  hasCode,
  repeat,
  type Clock,
  type Logger,
  type Repeating,
} from '../../util/index.ts'
import type { Upkeep } from './upkeep.ts'

/** Between two looks, ms. A look is one short child for each repository. */
const everyMs = 3_600_000

export interface UpkeepStore {
  repo: string
  upkeep: Upkeep
}

export function createUpkeepKeeper(
  stores: () => readonly UpkeepStore[],
  { clock, logger }: { clock: Clock; logger: Logger },
): Repeating {
  const began = clock.monotonic()
  const tidied = new Map<string, number>()

  async function look(signal: AbortSignal): Promise<void> {
    for (const { repo, upkeep } of stores()) {
      const now = clock.monotonic()
      try {
        const last = tidied.get(repo)
        const tidiedMs = last === undefined ? undefined : now - last
        const why = await upkeep.tidy({ runningMs: now - began, tidiedMs }, signal)
        if (why === undefined) continue
        tidied.set(repo, now)
        const data = { event: 'store.tidied', repo, why, ms: clock.monotonic() - now }
        logger.info(data, `the git store of ${repo} was tidied`)
      } catch (error) {
        if (signal.aborted || hasCode(error, 'ABORTED')) return
        const data = { event: 'store.tidied', repo, err: explain(error) }
        logger.warn(data, `the git store of ${repo} could not be tidied`)
      }
    }
  }

  return repeat(look, {
    everyMs,
    immediate: false,
    clock,
    onError: (error) => logger.warn({ event: 'store.tidied', err: explain(error) }, 'no upkeep'),
  })
}
