/** The property over schedules, and what a failure says: the schedule, what it broke, and how to see it again. */
import * as fc from 'fast-check'
import { startAgent } from './agent.ts'
import { runSchedule, type Start } from './run.ts'
import { schedules } from './schedule.ts'

export interface Verdict {
  runs: number
  /** Events of all schedules. */
  events: number
  /** Pull requests that were opened. */
  pulls: number
  /** Schedules in which a claim was taken over or made anew. */
  contested: number
  /** Rounds of feedback that ended. */
  rounds: number
  /** Schedules in which frozen work went on. */
  resumed: number
  /** Checkpoints that arrived. */
  checkpoints: number
  /** Attempts that went on from one. */
  heirs: number
  failure?: { seed: number; path: string; report: string; violations: string[] }
}

export interface Ask {
  runs: number
  seed: number
  /** Only this counterexample of the seed. */
  path?: string
}

export async function check(
  { runs, seed, path }: Ask,
  start: Start = startAgent,
): Promise<Verdict> {
  const verdict: Verdict = {
    runs: 0,
    events: 0,
    pulls: 0,
    contested: 0,
    rounds: 0,
    resumed: 0,
    checkpoints: 0,
    heirs: 0,
  }
  let last: string[] = []
  const property = fc.asyncProperty(schedules, async (schedule) => {
    const { violations, events, world } = await runSchedule(schedule, start)
    verdict.runs += 1
    verdict.events += events
    verdict.pulls += world.server.pulls.length
    for (const { journal } of world.machines)
      verdict.rounds += journal.filter(({ type }) => type === 'feedback.ended').length
    if (world.resumed > 0) verdict.resumed += 1
    verdict.checkpoints += world.checkpoints
    verdict.heirs += world.started.filter(({ from }) => from > 0).length
    if (world.machines.some(({ journal }) => journal.some(isSecond))) verdict.contested += 1
    if (violations.length === 0) return
    last = violations
    throw new Error(violations.join('\n'))
  })
  const replay = path === undefined ? {} : { path }
  const result = await fc.check(property, { numRuns: runs, seed, ...replay })
  if (!result.failed) return verdict
  const at = result.counterexamplePath ?? ''
  const report = [
    `a schedule breaks the protocol (${verdict.runs} were run):`,
    ...last.map((line) => `  ${line}`),
    JSON.stringify(result.counterexample?.[0]),
    `see it again: npm run chaos:claims -- --seed ${result.seed} --path ${at}`,
  ].join('\n')
  verdict.failure = { seed: result.seed, path: at, report, violations: last }
  return verdict
}

const isSecond = (entry: { type: string; attempt?: number }) =>
  entry.type === 'claim.won' && (entry.attempt ?? 0) > 1
