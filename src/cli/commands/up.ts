/**
 * `bzzz up`: one agent in the foreground. The first Ctrl-C (or SIGTERM, `bzzz down`, or SIGHUP when
 * the terminal closes) hands work back and stops; a second Ctrl-C ends at once and leaves the rest
 * to the next start.
 */
import { assertUsable, createAgent } from '../../agent/index.ts'
import type { Status } from '../../api/client.ts'
import { assertRunnable, loadConfig } from '../../config/index.ts'
import { createHeldSecrets } from '../../secrets/index.ts'
import { createLogger, explain } from '../../util/index.ts'
import { emptyLargeCache } from '../compile-cache.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { logText } from '../output/log-line.ts'
import { clean } from '../output/text.ts'
import { onEndSignals } from '../signals.ts'

export interface UpOptions {
  name?: string
  repo?: string[]
  /** Default: `text` where stderr is a terminal and no JSON is wanted. */
  logFormat?: 'json' | 'text'
  /** Say what would be written to GitHub, and write and take nothing. */
  dryRun?: boolean
  /** Stop when stdin closes: for a parent that wants no orphan. */
  leaseStdin?: boolean
}

type Ending = 'interrupted' | 'stopped'

export async function up(context: Context, options: UpOptions): Promise<number> {
  const { globals, env, cwd, out } = context
  const loaded = await loadConfig({
    flags: {
      home: globals.home,
      name: options.name,
      'github.repos': options.repo,
      ...(globals.verbose === true ? { 'log.level': 'debug' } : {}),
    },
    env,
    cwd,
    configFile: globals.config,
  })
  assertRunnable(loaded)
  await assertUsable(loaded)
  const { config } = loaded
  const held = createHeldSecrets()
  const isText = asText(context, options)
  const form = isText ? textForm(globals.verbose === true) : asItIs
  const logger = await createLogger({
    level: globals.quiet === true ? 'error' : config.log.level,
    fields: { agent: config.name },
    form: (json) => form(held.redact(json)),
  })
  for (const warning of loaded.warnings) logger.warn({ event: 'config' }, warning)

  const { ended, end, release } = untilEnded(options.leaseStdin === true)
  const agent = createAgent(
    { config, env, dryRun: options.dryRun === true },
    { logger, held, onStopAsked: () => end('stopped') },
  )
  try {
    // A signal during the start must not wait for the start: stop() undoes what there is of it.
    const up = await Promise.race([agent.start().then(() => true), ended.then(() => false)])
    if (up && out.json) await out.document(agent.status())
    else if (up && isText) out.message(greeting(agent.status(), options.dryRun === true))
    // Whoever reads a log in JSON expects nothing else there.
    else if (up) logger.info({ event: 'up' }, greeting(agent.status(), options.dryRun === true))
    await emptyLargeCache().catch((error: unknown) =>
      logger.debug({ event: 'cache', err: explain(error) }, 'the compile cache was not looked at'),
    )
    return (await ended) === 'interrupted' ? exitCodes.interrupted : exitCodes.ok
  } finally {
    await agent.stop()
    release()
  }
}

const asText = ({ out }: Context, { logFormat }: UpOptions) =>
  logFormat === undefined ? process.stderr.isTTY && !out.json : logFormat === 'text'

const asItIs = (json: string) => json

const textForm = (verbose: boolean) => (json: string) =>
  logText(json, { nowMs: Date.now(), verbose })

function greeting({ name, github }: Status, dryRun: boolean): string {
  const { reach = { is: 'ok' } } = github
  const is =
    reach.is === 'down'
      ? `is up, but takes no work until GitHub answers: ${clean(reach.reason)}`
      : dryRun
        ? 'is up for a dry run: what it would write is in this log and in `bzzz task show`; it writes and takes nothing.'
        : 'is up.'
  return `${name} ${is} In another terminal: bzzz status, bzzz task ls, bzzz logs -f. Ctrl-C hands work back and stops.`
}

function untilEnded(leaseStdin: boolean): {
  ended: Promise<Ending>
  end: (how: Ending) => void
  release: () => void
} {
  const { promise: ended, resolve: end } = Promise.withResolvers<Ending>()
  const offSignals = onEndSignals({
    asked: (signal) => end(signal === 'SIGINT' ? 'interrupted' : 'stopped'),
    forced: () => process.exit(exitCodes.interrupted),
  })
  const onLeaseEnd = () => end('stopped')
  if (leaseStdin) process.stdin.on('end', onLeaseEnd).on('error', onLeaseEnd).resume()
  return {
    ended,
    end,
    release: () => {
      offSignals()
      if (leaseStdin) process.stdin.off('end', onLeaseEnd).off('error', onLeaseEnd).pause()
    },
  }
}
