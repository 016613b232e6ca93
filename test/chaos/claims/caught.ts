/** Looks for a schedule in which the checkers see what a kind of agent does wrong. */
import * as fc from 'fast-check'
import { runSchedule, type Start } from './run.ts'
import type { Schedule } from './schedule.ts'

export interface Hunt {
  from: fc.Arbitrary<Schedule>
  /** Schedules at most. */
  within: number
  seed: number
  /** The violation that is looked for. */
  pattern: RegExp
}

/** How many schedules it took; undefined: it was not seen. */
export async function caughtAfter(start: Start, hunt: Hunt): Promise<number | undefined> {
  const sample = fc.sample(hunt.from, { numRuns: hunt.within, seed: hunt.seed })
  for (const [index, schedule] of sample.entries()) {
    const { violations } = await runSchedule(schedule, start)
    if (violations.some((one) => hunt.pattern.test(one))) return index + 1
  }
  return undefined
}
