/** The play itself: the maintainer does his part until every issue has ended; then it is looked at what came of it. */
import type { Agent } from '../../../agent/index.ts'
import { connect } from '../../../api/client.ts'
import { helpTypes, treesOf, type HelpTree } from '../../../help/index.ts'
import type { LoggedEntry } from '../../../journal/index.ts'
import { hasCode, sleep, until } from '../../../util/index.ts'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import type { DemoAgent } from './agents.ts'
import { isSettled, report, reportSoFar, type Report } from './report.ts'
import { createReviewer } from './reviewer.ts'
import { rowsOf, type Scene } from './scene.ts'
import { repo, type Stage } from './stage.ts'
import type { Screen } from './view.ts'

/** Longest run with `--once`, ms. A coding agent may need most of it. */
const onceMs = { scripted: 5 * 60_000, executor: 60 * 60_000 }
/** Until the observer must have every entry that an agent says it has, ms. */
const catchUpMs = 30_000
const redrawMs = 300
/** Of what an agent said before it died: a stack, and some before it. */
const maxTailLines = 30

export interface Play {
  stage: Stage
  observer: Agent
  agents: DemoAgent[]
}

/** Errors: `DEMO_FORGE`, `DEMO_AGENT_DIED`, `DEMO_UNFINISHED` with `once`, `ABORTED`, and those of the screen. */
export async function follow(
  { out }: Context,
  options: { once: boolean; executor?: string },
  play: Play,
  { screen, sceneNow }: { screen: Screen; sceneNow: () => Scene },
  signal: AbortSignal,
): Promise<Report> {
  const { stage, observer, agents } = play
  const startedAt = performance.now()
  const reviewer = createReviewer(stage)
  const limit = options.executor === undefined ? onceMs.scripted : onceMs.executor
  if (!out.redraws || out.json || out.quiet)
    out.message(`Forge with ${stage.issues.length} issues at ${stage.forge.url}/${repo}/issues`)
  let isOpen = false
  for (;;) {
    const rows = rowsOf(stage, observer)
    await screen.show(sceneNow())
    if (!isOpen && (await standsInLine(agents, signal))) {
      await stage.open(signal)
      isOpen = true
    }
    await reviewer.step(rows, signal)
    if (stage.issues.every((issue) => isSettled(issue, rows))) break
    const dead = agents.find(({ ended }) => ended !== undefined)
    if (dead !== undefined) throw died(dead)
    if (options.once && performance.now() - startedAt > limit) {
      const open = stage.issues
        .filter((issue) => !isSettled(issue, rows))
        .map(({ number }) => `#${number}`)
      throw unfinished(limit / 60_000, open)
    }
    await sleep(redrawMs, { signal })
  }
  return judge(play, signal)
}

/** Whether each agent is connected to the one before it and has looked at the repository, as it says itself. */
async function standsInLine(agents: readonly DemoAgent[], signal: AbortSignal): Promise<boolean> {
  const ready = await Promise.all(
    agents.map(async ({ home, before }) => {
      try {
        const client = connect(home, { signal })
        const { github } = await client.status()
        const peers = await client.peers()
        const isLinked = peers.some((peer) => peer.name === before && peer.connected)
        return github.repos.every(({ ok }) => ok) && (before === undefined || isLinked)
      } catch (error) {
        if (signal.aborted) throw error
        // It is still starting; how long that may take is bounded by the play's end, or by whoever looks on.
        return false
      }
    }),
  )
  return ready.every(Boolean)
}

async function treesHere({ journal }: Agent): Promise<HelpTree[]> {
  const entries: LoggedEntry[] = []
  for await (const entry of journal.read({ types: helpTypes })) entries.push(entry)
  return treesOf(entries)
}

/** Waits until the observer has what each agent says it wrote, then verifies all of it. */
async function judge({ agents, observer, stage }: Play, signal: AbortSignal): Promise<Report> {
  const late: string[] = []
  await Promise.all(
    agents.map(async ({ name, home }) => {
      const { journal } = await connect(home, { signal }).status()
      const here = () =>
        observer.journal
          .journals()
          .some(({ key, available }) => key === journal.key && available >= journal.length)
      await until(`replication of ${name}'s journal`, catchUpMs, here, { signal }).catch(
        (error: unknown) => {
          if (!hasCode(error, 'DEADLINE')) throw error
          late.push(`the observer does not have all ${journal.length} entries of ${name}`)
        },
      )
    }),
  )
  const result = await report(
    stage,
    {
      names: agents.map(({ name }) => name),
      rows: rowsOf(stage, observer),
      contention: observer.board.contention(),
      journals: observer.journal.journals(),
      trees: await treesHere(observer),
      verifications: await observer.journal.verify(),
    },
    signal,
  )
  return { ...result, problems: [...late, ...result.problems] }
}

/** What is known when it cannot go on. */
export async function soFar({ agents, observer, stage }: Play, error: unknown): Promise<Report> {
  const names = agents.map(({ name }) => name)
  const journals = observer.journal.journals()
  const known = {
    names,
    rows: rowsOf(stage, observer),
    contention: observer.board.contention(),
    journals,
    trees: await treesHere(observer),
  }
  return reportSoFar(known, error)
}

function unfinished(minutes: number, issues: string[]): CliError {
  const message = `After ${minutes} minutes these issues have not ended: ${issues.join(', ')}.`
  return new CliError('DEMO_UNFINISHED', message, {
    data: { issues },
    next: 'Run it again with --keep --verbose, and look into the agents’ homes.',
  })
}

function died({ name, ended }: DemoAgent): CliError {
  const end = ended?.tail.trim().split('\n').slice(-maxTailLines).join('\n') ?? ''
  return new CliError(
    'DEMO_AGENT_DIED',
    `Agent ${name} ended by itself (${ended?.reason ?? 'unknown'}, exit code ${ended?.exitCode ?? 'none'}):\n${end}`,
    {
      next: 'Run it again with --keep --verbose, and look into its home.',
    },
  )
}
