/** Random schedules: who runs, how bad the network is, and what happens when. */
import * as fc from 'fast-check'
import type { WorldInit } from './world.ts'

export type Action =
  | { is: 'kill' | 'stop'; agent: number; forMs: number }
  | { is: 'freeze' | 'sleep'; agent: number; forMs: number }
  | { is: 'cut'; agent: number; forMs: number }
  /** Killed, and never there again; the last one stays. */
  | { is: 'leave'; agent: number }
  | { is: 'outage'; forMs: number }
  /** Done to the claim ref by somebody who may write refs. */
  | { is: 'delete' | 'rewind' | 'overwrite'; issue: number }
  | {
      is: 'assign' | 'close' | 'unlabel' | 'retry' | 'dismiss' | 'review' | 'merge' | 'reject'
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
/** Half of it while the first work is done. */
const at = fc.oneof(fc.nat(chaosMs / 5), fc.nat(chaosMs))
const issue = fc.integer({ min: 1, max: 3 })
const forMs = fc.oneof(
  fc.integer({ min: 1_000, max: 60_000 }),
  fc.integer({ min: 100_000, max: 300_000 }),
)
/** Mostly longer than a lease. */
const longMs = fc.oneof(forMs, fc.integer({ min: 130_000, max: 300_000 }))
const undoneMs = fc.oneof(fc.constant(0), fc.integer({ min: 1_000, max: 200_000 }))
const kinds = <T extends string>(...all: T[]) => fc.constantFrom(...all)

const ends = fc.record({ is: kinds('kill', 'stop'), agent, forMs })
const leaves = fc.record({ is: fc.constant('leave' as const), agent })
const people = fc.record({
  is: kinds('assign', 'close', 'unlabel', 'retry', 'dismiss'),
  issue,
  forMs: undoneMs,
})
/** Of a pull request, if there is one by then; most are there within the first minutes. */
const reviewing = fc.record({
  is: kinds('review', 'review', 'review', 'merge', 'reject'),
  issue,
  forMs: fc.constant(0),
})
const calmClocks: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: ends },
  { weight: 1, arbitrary: leaves },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('cut' as const), agent, forMs: longMs }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('outage' as const), forMs }) },
  { weight: 4, arbitrary: people },
  { weight: 4, arbitrary: reviewing },
)
const steadyNet: fc.Arbitrary<Action> = fc.oneof(ends, leaves, people, reviewing)
const tampering: fc.Arbitrary<Action> = fc.record({
  is: fc.constantFrom('delete', 'rewind', 'overwrite'),
  issue,
})
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
    transports: fc.constantFrom('git', 'rest', 'both'),
    drift,
    faults: fc.record({
      lostRequest: probability(0.3),
      lostAnswer: probability(0.3),
      lateWrite: probability(0.2),
      twice: probability(0.2),
      slow: probability(0.1),
      stale: probability(0.3),
    }),
    longWork: fc.constantFrom(0.2, 0.9),
    appendOnly: fc.constantFrom(false, false, true),
    handing: fc.record({
      asks: fc.constantFrom(0, 0.2, 0.6),
      crash: fc.constantFrom(0, 0, 0.1, 0.3),
    }),
    actions: fc.array(fc.record({ at, action }), { maxLength: 8 }),
  })

/** Time is kept, and nobody tampers: no two agents may execute at once. */
export const timely: fc.Arbitrary<Schedule> = scheduleOf(calmClocks, fc.constantFrom(0, 0.015))

/** Two of five keep time; in one of five refs are tampered with. */
export const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  { weight: 2, arbitrary: timely },
  {
    weight: 2,
    arbitrary: scheduleOf(fc.oneof(calmClocks, frozen), fc.constantFrom(0, 0.015, 0.2)),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      scheduleOf(fc.oneof(calmClocks, frozen, tampering), fc.constantFrom(0, 0.015)),
      scheduleOf(fc.oneof(steadyNet, frozen, tampering), fc.constantFrom(0, 0.015)).map(
        ({ faults, ...schedule }) => ({
          ...schedule,
          faults: { ...faults, lostRequest: 0, lateWrite: 0, twice: 0 },
        }),
      ),
    ),
  },
)

export const isUntimely = ({ drift, actions }: Schedule) =>
  drift > 0.02 || actions.some(({ action }) => action.is === 'sleep')

const tamperings: ReadonlySet<string> = new Set(['delete', 'rewind', 'overwrite'])
export const isTampered = ({ actions }: Schedule) =>
  actions.some(({ action }) => tamperings.has(action.is))
export const keepsWrites = ({ faults, actions }: Schedule) =>
  faults.lostRequest + faults.lateWrite + faults.twice === 0 &&
  !actions.some(({ action }) => action.is === 'cut' || action.is === 'outage')
