/** A clock that stands still until told. */
import type { Clock } from '../../../src/util/index.ts'

export interface FakeClock extends Clock {
  /** Moves time, running what comes due on the way, and lets promises settle. */
  advance(ms: number): Promise<void>
  /** Moves the wall clock only. */
  jump(ms: number): void
  readonly waiting: number
}

export function fakeClock(): FakeClock {
  let monotonic = 1000
  let offset = 1_700_000_000_000
  const timers = new Set<{ at: number; run: () => void }>()
  const settle = async () => {
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    now: () => offset + monotonic,
    monotonic: () => monotonic,
    after(ms, run) {
      const timer = { at: monotonic + Math.max(0, ms), run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(ms) {
      const end = monotonic + ms
      await settle()
      for (;;) {
        const next = [...timers].sort((a, b) => a.at - b.at)[0]
        if (next === undefined || next.at > end) break
        timers.delete(next)
        monotonic = Math.max(monotonic, next.at)
        next.run()
        await settle()
      }
      monotonic = end
      await settle()
    },
    jump(ms) {
      offset += ms
    },
    get waiting() {
      return timers.size
    },
  }
}
