/** The property over schedules, and what a failure says: the schedule, what it broke, and how to see it again. */
import * as fc from 'fast-check'
import type { ClaimRecord } from '../../../src/tasks/claim/record.ts'
import { startAgent } from './agent.ts'
import { runSchedule, type Start } from './run.ts'
import { schedules } from './schedule.ts'
import { refPrefix } from './server.ts'
import type { World } from './world.ts'

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
  /** Claims that were handed on. */
  handed: number
  /** Of those, gone on with by who was named. */
  followed: number
  /** Of those, taken over by somebody else, later. */
  fellBack: number
  /** Processes that were killed at a step of a hand-over. */
  crashes: number
  failure?: { seed: number; path: string; report: string; violations: string[] }
}

export interface Ask {
  runs: number
  seed: number
  /** Only this counterexample of the seed. */
  path?: string
  /** Whether a smaller schedule that fails is looked for. Default true. */
  shrinks?: boolean
}

export async function check(
  { runs, seed, path, shrinks = true }: Ask,
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
    handed: 0,
    followed: 0,
    fellBack: 0,
    crashes: 0,
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
    countHanding(verdict, world)
    if (world.machines.some(({ journal }) => journal.some(isSecond))) verdict.contested += 1
    if (violations.length === 0) return
    last = violations
    throw new Error(violations.join('\n'))
  })
  const replay = path === undefined ? {} : { path }
  const result = await fc.check(property, {
    numRuns: runs,
    seed,
    endOnFailure: !shrinks,
    ...replay,
  })
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

/** From the refs, where nobody tampers with them. */
function countHanding(verdict: Verdict, { server, handing, tampered }: World): void {
  verdict.crashes += handing.crashes
  if (tampered) return
  const recordOf = (oid: string | null) =>
    JSON.parse(server.commits.get(oid ?? '')?.message ?? '{}') as Partial<ClaimRecord>
  for (const issue of server.issues.keys())
    for (const { before, after } of server.refs.get(`${refPrefix}${issue}`) ?? []) {
      const [was, is] = [recordOf(before), recordOf(after)]
      if (is.state === 'handed') verdict.handed += 1
      if (was.state !== 'handed') continue
      if (was.to?.peerId === is.peerId) verdict.followed += 1
      else verdict.fellBack += 1
    }
}

const isSecond = (entry: { type: string; attempt?: number }) =>
  entry.type === 'claim.won' && (entry.attempt ?? 0) > 1
