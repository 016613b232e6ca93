/**
 * `bzzz demo`: the main job on this machine, with two commands and no account. A forge, agents in
 * processes of their own that find each other by mDNS, and an observer in this process that
 * replicates their journals. Nothing here is a short cut: the agents run `bzzz up` with a
 * configuration file, join the observer's mesh with a token from a file, as containers do, and the
 * result is judged from the forge and from the replicated journals.
 */
import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Agent } from '../../agent/index.ts'
import { connect } from '../../api/client.ts'
import type { Forge } from '../../forge/index.ts'
import { createProcesses } from '../../process/index.ts'
import {
  createLogger,
  explain,
  hasCode,
  sleep,
  until,
  withDeadline,
  type Logger,
} from '../../util/index.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit.ts'
import { count } from '../output/text.ts'
import { onEndSignals } from '../signals.ts'
import { agentNames, environment, startAgents, stopAgents, type DemoAgent } from './demo/agents.ts'
import { checkExecutor } from './demo/executor.ts'
import { inviteAgents, observe } from './demo/observer.ts'
import { createPlace } from './demo/place.ts'
import { hasPull, isSettled, report, type Report } from './demo/report.ts'
import { createReviewer } from './demo/reviewer.ts'
import { rowsOf, scenes } from './demo/scene.ts'
import { repo, setStage, type Stage } from './demo/stage.ts'
import { createScreen } from './demo/view.ts'

export interface DemoOptions {
  once: boolean
  /** Keep the directory with homes, journals and forge. */
  keep: boolean
  agents: number
  /** Coding agent of this machine to use instead of the scripted one. */
  executor?: string
}

const examples = fileURLToPath(new URL('../../../examples/', import.meta.url))
/** Longest run with `--once`, ms. A coding agent may need most of it. */
const onceMs = { scripted: 5 * 60_000, executor: 60 * 60_000 }
/** Until the observer must have every entry that an agent says it has, ms. */
const catchUpMs = 30_000
const redrawMs = 300
const stopMs = 20_000
/** Of what an agent said before it died: a stack, and some before it. */
const maxTailLines = 30

export async function demo(context: Context, options: DemoOptions): Promise<number> {
  const { globals, out } = context
  if (options.executor !== undefined) {
    await checkExecutor(options.executor, environment()['PATH'] ?? '')
  }
  const interrupt = new AbortController()
  const offSignals = onEndSignals({
    asked: () => interrupt.abort(),
    // The agents are ended by their leases, and the next demo removes the directory.
    forced: () => process.exit(exitCodes.interrupted),
  })
  const named = globals.home === undefined ? undefined : resolve(context.cwd, globals.home)
  const place = await createPlace({ named, keep: options.keep })
  const { dir } = place
  const logger = await createLogger({
    level: globals.verbose === true ? 'info' : 'error',
    fields: { agent: 'demo' },
  })
  const processes = createProcesses({ stateDir: dir, logger })
  const cast: Cast = { agents: [] }
  try {
    await processes.sweep()
    const sandbox = await processes.prepare()
    if (sandbox.kind === 'none') {
      out.message(`${sandbox.why} The agents of this demo run its scripts without one.`)
    }
    out.message(`Starting a forge and ${count(options.agents, 'agent')} …`)
    const stage = await setStage(
      {
        dir,
        examples,
        names: agentNames(options.agents),
        onForge: (forge) => (cast.forge = forge),
      },
      { processes, logger },
      interrupt.signal,
    )
    const meshName = `demo-${randomBytes(4).toString('hex')}`
    cast.observer = await observe(dir, meshName, context, logger)
    cast.agents = await startAgents(
      {
        dir,
        names: agentNames(options.agents),
        tokens: stage.tokens,
        apiUrl: stage.forge.apiUrl,
        meshName,
        joinToken: await inviteAgents(dir, cast.observer),
        unwalled: sandbox.kind === 'none',
        scripted: [process.execPath, join(examples, 'scripted-agent.ts')],
        ...(options.executor === undefined ? {} : { executor: options.executor }),
      },
      processes,
    )
    return await play(
      context,
      options,
      { stage, observer: cast.observer, agents: cast.agents },
      interrupt.signal,
    )
  } catch (error) {
    if (interrupt.signal.aborted) return exitCodes.interrupted
    throw error
  } finally {
    out.message('Stopping the agents and the forge … (Ctrl-C again ends them at once)')
    await tearDown(cast, logger)
    await processes.stop()
    await place.leave()
    if (place.kept) out.message(`Kept in ${dir}.`)
    offSignals()
  }
}

interface Play {
  stage: Stage
  observer: Agent
  agents: DemoAgent[]
}

interface Cast {
  forge?: Forge
  observer?: Agent
  agents: DemoAgent[]
}

async function play(
  context: Context,
  options: DemoOptions,
  play: Play,
  signal: AbortSignal,
): Promise<number> {
  const { out } = context
  const { stage, observer, agents } = play
  const startedAt = performance.now()
  const live = out.redraws && !out.json && !out.quiet
  const screen = createScreen(out, live)
  const sceneNow = scenes(stage, observer, agents.length)
  const reviewer = createReviewer(stage)
  const limit = options.executor === undefined ? onceMs.scripted : onceMs.executor
  if (!live)
    out.message(`Forge with ${stage.issues.length} issues at ${stage.forge.url}/${repo}/issues`)
  for (;;) {
    const rows = rowsOf(stage, observer)
    await screen.show(sceneNow())
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
  const result = await judge(play, signal)
  if (out.json) await out.document(withoutProblems(result))
  else {
    await screen.end(sceneNow())
    await out.data(`\n${summary(result)}`)
  }
  // With --json they are in the document.
  if (!out.json) for (const problem of result.problems) out.error(`not as expected: ${problem}`)
  if (!options.once) {
    out.message('\nLook at the pages above. Ctrl-C ends the demo.')
    await sleep(2 ** 31 - 1, { signal }).catch((error: unknown) => {
      if (!hasCode(error, 'ABORTED')) throw error
    })
    return exitCodes.interrupted
  }
  return result.problems.length === 0 ? exitCodes.ok : exitCodes.failed
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
      verifications: await observer.journal.verify(),
    },
    signal,
  )
  return { ...result, problems: [...late, ...result.problems] }
}

function summary({ tasks, agents, journals, contention, problems }: Report): string {
  const ended = (state: string) => tasks.filter((row) => row.state === state).length
  const share = agents.map(({ name, tasks: done }) => `${name} ${done}`).join(', ')
  return [
    `${tasks.filter(hasPull).length} pull requests, ${ended('merged')} merged, ${ended('failed')} failed; by agent: ${share}.`,
    `${count(contention, 'lost race')}. Journals: ${journals.replicated} replicated, ${journals.verified} verified.`,
    problems.length === 0
      ? 'Everything ended as expected.'
      : `${problems.length} things did not end as expected.`,
  ].join('\n')
}

function withoutProblems({ problems, ...document }: Report) {
  return problems.length === 0 ? document : { ...document, problems }
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

async function tearDown({ agents, observer, forge }: Cast, logger: Logger): Promise<void> {
  const steps: [string, () => Promise<void>][] = [
    ['agents', () => stopAgents(agents)],
    ['observer', async () => observer?.stop()],
    ['forge', async () => forge?.stop()],
  ]
  for (const [what, stop] of steps) {
    await withDeadline(`To stop the ${what}`, stopMs * 2, stop).catch((error: unknown) => {
      logger.error({ event: 'demo.stop', err: explain(error) }, `the ${what} did not stop cleanly`)
    })
  }
}
