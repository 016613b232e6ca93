/** Runs scenarios one after the other, each in a world and a directory of its own, within its limit. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { explain, withDeadline } from '../../../src/util/index.ts'
import { createRandom } from '../claims/scheduler.ts'
import { keepDir } from './inside.ts'
import type { Outcome, Scenario } from './scenario.ts'
import { openWorld } from './world.ts'

export interface RunInit {
  /** Of the whole run; each scenario has a directory in it. */
  dir: string
  seed: number
  keep: boolean
  /** One that was only too slow is run once more; only twice too slow is a failure. */
  again: boolean
  /** No scenario begins later than that. */
  minutes: number
  signal: AbortSignal
  note: (text: string) => void
}

/** For a scenario that was broken off to end its processes, ms. */
const settleMs = 45_000

export async function runScenarios(chosen: readonly Scenario[], init: RunInit): Promise<Outcome[]> {
  init.note(`seed ${init.seed}`)
  const outcomes: Outcome[] = []
  const began = performance.now()
  for (const scenario of chosen) {
    if (init.signal.aborted) break
    const late = performance.now() - began > init.minutes * 60_000
    if (late) outcomes.push(leftOut(scenario, init))
    else outcomes.push(await tryOne(scenario, init))
  }
  return outcomes
}

async function tryOne(scenario: Scenario, init: RunInit): Promise<Outcome> {
  const first = await runOne(scenario, init)
  if (!init.again || init.signal.aborted || !wasSlow(first)) return first
  init.note(`${scenario.name}: was too slow; once more`)
  const second = await runOne(scenario, { ...init, seed: init.seed + 1 })
  const before = { 'too slow at first': first.violations.join('; ') }
  return { ...second, figures: { ...before, ...second.figures } }
}

/**
 * Whether nothing but time was against it: a machine that others use may stall for longer than any
 * stated time. Whatever is wrong with claims, journals or identities is never of this kind.
 */
const slow =
  /not whole after|^it did not end|no work was taken|works no more|given up|not whole after the attacks|too little was delivered|event loop was kept|^ending: |not in time/
export const wasSlow = ({ is, violations }: Pick<Outcome, 'is' | 'violations'>): boolean =>
  is === 'failed' && violations.every((text) => slow.test(text))

function leftOut({ name, about }: Scenario, { minutes }: RunInit): Outcome {
  const reason = `${minutes} minutes were over before it could begin`
  return { name, about, is: 'not tested', reason, seconds: 0, figures: {}, violations: [] }
}

async function runOne(scenario: Scenario, init: RunInit): Promise<Outcome> {
  const { name, about, limitMs } = scenario
  const { seed, keep, signal, note } = init
  const reason = await scenario.unable?.()
  const figures: Record<string, number | string> = {}
  const violations: string[] = []
  const base = { name, about, figures, violations }
  if (reason !== undefined) return { ...base, is: 'not tested', reason, seconds: 0 }
  note(`${name}: ${about}`)
  const began = performance.now()
  const dir = join(init.dir, name)
  await mkdir(dir, { mode: 0o700 })
  const world = await openWorld()
  let running: Promise<void> = Promise.resolve()
  try {
    await withDeadline(
      `scenario ${name}`,
      limitMs,
      (signal) => {
        const random = createRandom(seed)
        const say = (text: string) => note(`${name}: ${text}`)
        const figure = (what: string, value: number | string) => {
          figures[what] = value
          say(`${what}: ${value}`)
        }
        const violation = (text: string) => {
          violations.push(text)
          say(`VIOLATED: ${text}`)
        }
        running = scenario.run({ world, dir, random, seed, signal, note: say, figure, violation })
        return running
      },
      { signal },
    )
  } catch (error) {
    violations.push(`it did not end: ${explain(error)}`)
  } finally {
    const late = new AbortController()
    const settled = withDeadline('its end', settleMs, () => running, { signal: late.signal })
    await settled.catch(() => undefined)
    await world.close().catch((error: unknown) => violations.push(explain(error)))
  }
  const failed = violations.length > 0
  const kept = (failed && !signal.aborted) || keep
  if (kept) await keepDir(init.dir)
  else await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  const seconds = Math.round((performance.now() - began) / 100) / 10
  const is = failed ? 'failed' : 'passed'
  return { ...base, is, seconds, ...(kept ? { dir } : {}) }
}
