/**
 * At most `width` jobs at once, at most `waiting` behind them: a burst of requests must not become
 * a burst of processes.
 */
import { ForgeError } from '../errors.ts'

export type Gate = <T>(job: () => Promise<T>) => Promise<T>

/** Errors: `FORGE_BUSY` when `waiting` jobs wait already. */
export function gate(width: number, waiting: number): Gate {
  let running = 0
  const queue: (() => void)[] = []

  async function enter(): Promise<void> {
    if (running < width) {
      running += 1
      return
    }
    if (queue.length >= waiting) {
      throw new ForgeError('FORGE_BUSY', `${waiting} git commands wait already.`, {
        data: { waiting },
        next: 'Send fewer requests at once.',
      })
    }
    await new Promise<void>((resolve) => queue.push(resolve))
  }

  function leave(): void {
    const next = queue.shift()
    if (next === undefined) running -= 1
    else next()
  }

  return async (job) => {
    await enter()
    try {
      return await job()
    } finally {
      leave()
    }
  }
}
