/**
 * One run: a forge with faults, agents that are disturbed, people who meddle; then calm, until every
 * issue has ended; then the checks. Only the schedule comes from the seed: processes, and so their
 * order, are the machine's own.
 */
import { randomBytes } from 'node:crypto'
import type { ForgeComponents } from '../../../src/forge/index.ts'
import { marginMs } from '../../../src/tasks/intake/consider.ts'
import { sleep } from '../../../src/util/index.ts'
import { createFounder } from '../../members.ts'
import { createRandom, type Random } from '../claims/scheduler.ts'
import { Actor, endOrphans, type Protocol } from './actors.ts'
import { startChaos } from './chaos.ts'
import { violationsOf, type Violation } from './checks.ts'
import type { Evidence } from './evidence.ts'
import { startFaults } from './faults.ts'
import { gather } from './gather.ts'
import { journalFigures, type JournalFigures } from './journals.ts'
import { ended, quiet, rethrowUnless } from './settle.ts'
import { openStage, personTakes, type Stage } from './stage.ts'

export interface RunInit {
  agents: number
  issues: number
  seed: number
  /** Longest time in which things go wrong, minutes. */
  minutes: number
  protocol: Protocol
  leaseMs: number
  /** Of one agent, between two disturbances, ms. Default 20 s to 2 min. */
  peaceMs?: readonly [number, number]
  /** All agents have one account. Default: a third of them. */
  oneLogin?: boolean
  /** Sees every answer of the forge. */
  onResponse?: ForgeComponents['onResponse']
  /** Keep the directory even when all is well. */
  keep: boolean
  signal: AbortSignal
  note: (text: string) => void
}

export interface RunResult {
  init: Pick<RunInit, 'agents' | 'issues' | 'seed' | 'minutes' | 'protocol' | 'leaseMs'>
  evidence: Evidence
  violations: Violation[]
  faults: Record<string, number>
  /** What agents say of themselves; nothing is judged by it. */
  journals: JournalFigures | undefined
  /** Processes that their killed agents left behind. */
  orphans: number
  /** Until calm began, and until everything had ended, ms. */
  durations: { chaosMs: number; calmMs: number }
  /** The run's directory when it was kept. */
  dir: string | undefined
}

/** Of one agent, between two disturbances, ms. */
const usualPeaceMs = [20_000, 120_000] as const
/** Between two starts, ms: a start costs a second or two of a core. */
const staggerMs = 1_200
/**
 * Calm lasts as long as chaos could, and at least this, ms: a lost claim has to expire first, and all
 * issues that are left have to be worked on a machine that all agents share.
 */
const calmMs = 5 * 60_000
const perIssueMs = 6_000
/** Nobody ever ends what a naive worker left behind: waiting longer for it shows nothing more. */
const naiveCalmMs = 30_000
/** Share of the issues that a person takes at some time. */
const taken = 0.06
/** A person is noticed before publication: replicas lag by seconds, an answer is asked for again. */
const yieldMs = 30_000

export async function runProcesses(init: RunInit): Promise<RunResult> {
  const { agents, issues, seed, protocol, leaseMs, signal, note } = init
  const random = createRandom(seed)
  const names = Array.from({ length: agents }, (_, index) => `agent-${index + 1}`)
  const { peaceMs = usualPeaceMs, oneLogin = false } = init
  const alone = oneLogin ? 0 : Math.ceil((agents * 2) / 3)
  const loginOf = (index: number) => (index < alone ? `bot-${index + 1}` : 'crew')
  const logins = [...new Set(names.map((_, index) => loginOf(index)))]
  const slowMs: [number, number] = [1_500, leaseMs * 1.2]
  const stage = await openStage({ logins, issues, random, slowMs, onResponse: init.onResponse })
  const founder = await createFounder(stage.dir, `chaos-${randomBytes(5).toString('hex')}`)
  const pollMs = 1_000 + 400 * agents
  const actors = names.map((name, index) => {
    const login = loginOf(index)
    return new Actor(stage, { name, login, protocol, founder, leaseMs, pollMs })
  })
  let bad = true
  let orphans = 0
  try {
    note(`${stage.forge.url}, ${stage.dir}`)
    const faults = startFaults(stage.forge.faults, seed)
    const began = Date.now()
    for (const actor of actors) {
      await actor.start()
      await sleep(staggerMs, { signal })
    }
    const everyMs: [number, number] = [peaceMs[0] / agents, peaceMs[1] / agents]
    const chaos = startChaos({ actors, random, leaseMs, marginMs, everyMs, note }, signal)
    const meddling = meddle(stage, random, agents, signal)
    const endMs = init.minutes * 60_000
    await ended(stage, logins, { ms: endMs, signal, note }).catch(rethrowUnless('DEADLINE'))
    const calmBegan = Date.now()
    note('calm')
    await meddling
    const hits = faults.hits()
    faults.calm()
    await chaos.calm()
    const limitMs =
      protocol === 'naive' ? naiveCalmMs : Math.max(endMs, calmMs, issues * perIssueMs)
    await ended(stage, logins, { ms: limitMs, signal, note }).catch(rethrowUnless('DEADLINE'))
    await quiet(stage, signal)
    const journals = protocol === 'bzzz' ? await journalFigures(actors) : undefined
    const durations = { chaosMs: calmBegan - began, calmMs: Date.now() - calmBegan }
    await Promise.all(actors.map((actor) => actor.end()))
    orphans = await endOrphans(stage)
    const limits = { leaseMs, marginMs, yieldMs, logins }
    const evidence = await gather(stage, { ...limits, disturbances: chaos.disturbances })
    const violations = violationsOf(evidence)
    bad = violations.length > 0
    const { minutes } = init
    const asked = { agents, issues, seed, minutes, protocol, leaseMs }
    const dir = bad || init.keep ? stage.dir : undefined
    return { init: asked, evidence, violations, faults: hits, journals, orphans, durations, dir }
  } finally {
    await Promise.all(actors.map((actor) => actor.retire()))
    await endOrphans(stage)
    await stage.close((bad && !signal.aborted) || init.keep)
  }
}

/** People take a few issues, spread over the time in which most are worked. */
async function meddle(
  stage: Stage,
  random: Random,
  agents: number,
  signal: AbortSignal,
): Promise<void> {
  const { issues } = stage
  const spanMs = (issues.length / agents) * 8_000
  const count = Math.max(1, Math.round(issues.length * taken))
  const takings = Array.from({ length: count }, async () => {
    const issue = issues[Math.floor(random.next() * issues.length)]!
    await sleep(random.between(1_000, spanMs), { signal })
    await personTakes(stage, issue.number, signal)
  })
  await Promise.allSettled(takings)
}
