/**
 * `bzzz demo`: the main job on this machine, with two commands and no account. A forge, agents in
 * processes of their own that stand in a line, and an observer in this process that is linked to all
 * and replicates their journals. Nothing here is a short cut: the agents run `bzzz up` with a
 * configuration file, join the observer's mesh with a token from a file, as containers do, and the
 * result is judged from the forge and from the replicated journals.
 */
import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Agent } from '../../agent/index.ts'
import type { Forge } from '../../forge/index.ts'
import { createProcesses } from '../../process/index.ts'
import {
  createLogger,
  explain,
  hasCode,
  sleep,
  withDeadline,
  type Logger,
} from '../../util/index.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { count } from '../output/text.ts'
import { onEndSignals } from '../signals.ts'
import { agentNames, environment, startAgents, stopAgents, type DemoAgent } from './demo/agents.ts'
import { checkExecutor } from './demo/executor.ts'
import { inviteAgents, observe } from './demo/observer.ts'
import { createPlace } from './demo/place.ts'
import { follow, soFar, type Play } from './demo/play.ts'
import { helpLine } from './demo/helped.ts'
import { hasPull, type Report } from './demo/report.ts'
import { scenes } from './demo/scene.ts'
import { setStage } from './demo/stage.ts'
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
const stopMs = 20_000

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
        observer: cast.observer.mesh.addresses(),
        glossary: join(examples, 'glossary'),
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
  const live = out.redraws && !out.json && !out.quiet
  const screen = createScreen(out, live)
  const sceneNow = scenes(stage, observer, agents.length)
  const result = await follow(context, options, play, { screen, sceneNow }, signal).catch(
    async (error: unknown) => {
      // What was reached until then is not lost with what went wrong.
      if (!signal.aborted) {
        if (out.json) await out.document(await soFar(play, error))
        else await screen.end(sceneNow())
      }
      throw error
    },
  )
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

function summary({ tasks, agents, help, journals, contention, problems }: Report): string {
  const ended = (state: string) => tasks.filter((row) => row.state === state).length
  const share = agents.map(({ name, tasks: done }) => `${name} ${done}`).join(', ')
  return [
    `${tasks.filter(hasPull).length} pull requests, ${ended('merged')} merged, ${ended('failed')} failed; by agent: ${share}.`,
    ...help.map((row) =>
      helpLine(row, tasks.find(({ issue }) => issue === row.issue)?.title ?? ''),
    ),
    `${count(contention, 'lost race')}. Journals: ${journals.replicated} replicated, ${journals.verified} verified.`,
    problems.length === 0
      ? 'Everything ended as expected.'
      : `${problems.length} things did not end as expected.`,
  ].join('\n')
}

function withoutProblems({ problems, ...document }: Report) {
  return problems.length === 0 ? document : { ...document, problems }
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
