/**
 * The options of a turn, each when its time has come: at once for the first in the order of agents,
 * later for the others, so that usually one agent tries. What somebody else is heard to try or hold
 * meanwhile is dropped. The whole takes `maxStaggerMs` at most.
 */
import { sleep, throwIfAborted, type Clock } from '../../util/index.ts'
import { delayOf } from './fitness.ts'

export interface StaggerInit<T> {
  staggerMs: number
  clock: Clock
  signal: AbortSignal
  /** Monotonic ms from which its delay runs. Default: now. */
  since?: (option: T) => number
  /** Nothing is left to do for this option. */
  isOver: (option: T) => boolean
}

/** How often waiting options are held against what was heard, ms. */
const lookMs = 200

/** `options`: in the order in which those that are due are wanted. Errors: `ABORTED`. */
export async function* inTheirTime<T extends { rank: number }>(
  options: readonly T[],
  { staggerMs, clock, signal, isOver, since }: StaggerInit<T>,
): AsyncGenerator<T> {
  const start = clock.monotonic()
  let left = options.map((option) => ({
    option,
    at: (since?.(option) ?? start) + delayOf(option.rank, staggerMs),
  }))
  for (;;) {
    throwIfAborted(signal)
    left = left.filter(({ option }) => !isOver(option))
    const [soonest] = [...left].sort((a, b) => a.at - b.at)
    if (soonest === undefined) return
    const now = clock.monotonic()
    const due = left.find(({ at }) => at <= now)
    if (due === undefined) {
      // A timer of less than 1 ms may not move the clock at all.
      await sleep(Math.min(Math.max(1, soonest.at - now), lookMs), { signal, clock })
      continue
    }
    left = left.filter((one) => one !== due)
    yield due.option
  }
}
