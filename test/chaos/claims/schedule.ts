/** Random schedules: who runs, how bad the network is, and what happens when. */
import * as fc from 'fast-check'
import type { WorldInit } from './world.ts'

export type Action =
  | { is: 'kill' | 'stop'; agent: number; forMs: number }
  | { is: 'freeze' | 'sleep'; agent: number; forMs: number }
  | { is: 'cut'; agent: number; forMs: number }
  | { is: 'outage'; forMs: number }
  | {
      is: 'assign' | 'close' | 'unlabel' | 'retry' | 'dismiss'
      issue: number
      /** Until the person undoes it; 0: never. */
      forMs: number
    }

export interface Schedule extends WorldInit {
  actions: { at: number; action: Action }[]
}

/** Time in which things go wrong, ms. */
export const chaosMs = 600_000

const agent = fc.nat(3)
const issue = fc.integer({ min: 1, max: 3 })
const forMs = fc.oneof(
  fc.integer({ min: 1_000, max: 60_000 }),
  fc.integer({ min: 100_000, max: 300_000 }),
)
const undoneMs = fc.oneof(fc.constant(0), fc.integer({ min: 1_000, max: 200_000 }))
const kinds = <T extends string>(...all: T[]) => fc.constantFrom(...all)

const calmClocks: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ is: kinds('kill', 'stop'), agent, forMs }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('cut' as const), agent, forMs }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('outage' as const), forMs }) },
  {
    weight: 4,
    arbitrary: fc.record({
      is: kinds('assign', 'close', 'unlabel', 'retry', 'dismiss'),
      issue,
      forMs: undoneMs,
    }),
  },
)
const frozen = fc.record({ is: kinds('freeze', 'sleep'), agent, forMs })

/** None, or some hundredths. */
const probability = (max: number) =>
  fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: max * 100 }).map((percent) => percent / 100),
  )

const scheduleOf = (action: fc.Arbitrary<Action>, drift: fc.Arbitrary<number>) =>
  fc.record({
    seed: fc.integer(),
    agents: fc.integer({ min: 2, max: 4 }),
    issues: fc.integer({ min: 1, max: 3 }),
    oneLogin: fc.boolean(),
    drift,
    faults: fc.record({
      lostRequest: probability(0.3),
      lostAnswer: probability(0.3),
      lateWrite: probability(0.2),
      twice: probability(0.2),
      slow: probability(0.1),
      stale: probability(0.3),
    }),
    actions: fc.array(fc.record({ at: fc.nat(chaosMs), action }), { maxLength: 8 }),
  })

/** Half of the schedules keep time well enough that no two agents may execute at once. */
export const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  scheduleOf(calmClocks, fc.constantFrom(0, 0.015)),
  scheduleOf(fc.oneof(calmClocks, frozen), fc.constantFrom(0, 0.015, 0.2)),
)

export const isUntimely = ({ drift, actions }: Schedule) =>
  drift > 0.02 || actions.some(({ action }) => action.is === 'freeze' || action.is === 'sleep')
