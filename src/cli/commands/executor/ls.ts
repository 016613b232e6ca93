/** `bzzz executor ls`: what can do the work here, and what to type about what cannot. */
import { connect, type Status } from '../../../api/client.ts'
import type { ExecutorReport } from '../../../work/index.ts'
import type { Context } from '../../context.ts'
import { exitCodes } from '../../exit.ts'
import { table } from '../../output/table.ts'
import { clean } from '../../output/text.ts'
import { withRoom } from './place.ts'

/** For a running agent to answer, ms. */
const ASK_MS = 3_000

export async function executorLs(context: Context): Promise<number> {
  const { out, signal } = context
  return withRoom(context, async ({ work, processes }) => {
    const [found, sandbox, standings] = await Promise.all([
      work.inspect(signal),
      processes.prepare(),
      standingsOf(context),
    ])
    const executors = found.map((one) => withStanding(one, standings))
    if (out.json) await out.document({ sandbox, executors })
    else if (out.quiet) {
      for (const { name, usable } of executors) if (usable) await out.data(clean(name))
    } else {
      await out.data(screen(executors, context))
      const lacks = sandbox.lacks.map((one) => `\n         ${clean(one)}`).join('')
      const next = sandbox.next === undefined ? '' : `\n         ${clean(sandbox.next)}`
      await out.data(`\nsandbox  ${sandbox.kind}: ${clean(sandbox.why)}${lacks}${next}`)
    }
    return exitCodes.ok
  })
}

type Standings = NonNullable<Status['work']>['standings']

/** What a running agent knows of its executors; nothing where none runs. */
async function standingsOf(context: Context): Promise<Standings> {
  try {
    const agent = connect(await context.home(), { signal: context.signal, timeoutMs: ASK_MS })
    return (await agent.status()).work?.standings ?? []
  } catch (error) {
    if (context.signal.aborted) throw error
    return []
  }
}

/** The agent has tried more than can be seen from here: what it leaves alone cannot be used now. */
function withStanding(report: ExecutorReport, standings: Standings): ExecutorReport {
  const away = standings.find(({ executor, is }) => executor === report.name && is === 'away')
  if (away === undefined) return report
  const until = away.untilMs === null ? '' : ` until ${new Date(away.untilMs).toISOString()}`
  const why = `The running agent leaves it alone${until}: ${away.reason ?? away.why ?? 'it failed'}.`
  const next = `It tries it again by itself; to see what is wrong: bzzz executor test ${report.name}`
  const time = away.untilMs === null ? {} : { awayUntilMs: away.untilMs }
  return { ...report, usable: false, why: report.why ?? why, next: report.next ?? next, ...time }
}

function screen(executors: readonly ExecutorReport[], { out }: Context): string {
  return table(
    [
      { title: 'EXECUTOR', value: ({ name }) => name },
      { title: 'KIND', value: ({ kind }) => kind },
      { title: 'VERSION', value: ({ version }) => version ?? null },
      {
        title: 'STATE',
        value: stateOf,
        flexible: true,
        style: (text, { usable }) => (usable ? out.style('green', text) : text),
      },
    ],
    executors,
    out.columns,
  )
}

function stateOf({ usable, login, why, next, models }: ExecutorReport): string {
  if (!usable)
    return [why ?? 'It cannot be used.', next].filter((one) => one !== undefined).join(' ')
  const signedIn = { in: ', signed in', out: '', unknown: ', login not known', 'none needed': '' }[
    login
  ]
  const can = models.length === 0 ? '' : `, ${models.slice(0, 5).join(', ')}`
  return `ready${signedIn}${can}`
}
