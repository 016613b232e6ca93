/** What a scenario is, what it is given, and what it says. */
import type { Random } from '../claims/scheduler.ts'
import type { World } from './world.ts'

export interface Scenario {
  name: string
  /** What is done to whom, and what is checked: a line for the list and the report. */
  about: string
  /** Belongs to the shorter half. */
  short: boolean
  /** When it is ended whatever happens, ms. */
  limitMs: number
  /** Why it cannot be tested on this machine; undefined when it can. */
  unable?: () => Promise<string | undefined>
  /** Resolves with what was seen; what it rejects with counts as a violation. */
  run(context: Context): Promise<void>
}

export interface Context {
  /** Empty. Closed after the run, with all that runs on its machines. */
  world: World
  /** Temporary. Kept when something was violated. */
  dir: string
  random: Random
  seed: number
  /** Fires at the limit, and when the whole run is to end. */
  signal: AbortSignal
  /** Progress, on stderr. */
  note: (text: string) => void
  /** Violations and figures are noted as they are seen, so that they are told also when it breaks off. */
  figure: (name: string, value: number | string) => void
  violation: (text: string) => void
}

/** The outcome, for the report. */
export interface Outcome {
  name: string
  about: string
  is: 'passed' | 'failed' | 'not tested'
  seconds: number
  /** Why it was not tested. */
  reason?: string
  figures: Record<string, number | string>
  violations: string[]
  /** Its directory, when it was kept. */
  dir?: string
}
