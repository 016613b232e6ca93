/** `bzzz logs`: entries of all journals that are here, causes first; `logs verify`: whether they are sound. */
import {
  ApiError,
  type ApiClient,
  entryTypes,
  expandEntryType,
  type LoggedEntry,
  type LogQuery,
} from '../../api/client.ts'
import { explain, hasCode } from '../../util/index.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit.ts'
import { table } from '../output/table.ts'
import { clean, width } from '../output/text.ts'
import { verdictOf, verdictStyles } from '../output/verdict.ts'
import { agentOf, parseTask } from './agent.ts'
import { logLine } from './describe.ts'
import { assertKnown } from './known.ts'
import { createNames, type Names } from './names.ts'

export interface LogsOptions {
  follow?: true
  agent?: string
  task?: string
  type?: string[]
  since?: string
  until?: string
  last?: number
}

/** Reading all of many journals takes its time, ms. */
const verifyMs = 10 * 60_000

export async function logs(context: Context, options: LogsOptions): Promise<number> {
  const { out, signal } = context
  const follow = options.follow === true
  if (follow && options.until !== undefined) {
    throw new CliError('USAGE', '--until and --follow exclude each other.', {
      next: 'Leave one of them out.',
    })
  }
  const query: LogQuery = {
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    ...(options.task === undefined ? {} : { task: parseTask(options.task) }),
    ...(options.type === undefined ? {} : { types: options.type.map(checkType) }),
    ...(options.since === undefined
      ? {}
      : { since: parseTime('--since', options.since, Date.now()) }),
    ...(options.until === undefined
      ? {}
      : { until: parseTime('--until', options.until, Date.now()) }),
    ...(options.last === undefined ? {} : { last: options.last }),
  }
  const agent = await agentOf(context)
  if (follow) await assertKnown(agent, query).catch(hint(context))
  const names = await namesOf(agent)
  let nameWidth = 5
  let seen = 0
  const entries = agent.logs(query, { follow, signal })
  for await (const entry of follow ? followed(entries) : entries) {
    seen += 1
    const name = names.of(entry)
    nameWidth = Math.max(nameWidth, width(name))
    if (out.json) await out.jsonLine(entry)
    else if (out.quiet) await out.data(clean(`${entry.agent}#${entry.seq}`))
    else await out.data(logLine(entry, { nowMs: Date.now(), name, nameWidth }))
  }
  if (signal.aborted) return exitCodes.interrupted
  if (follow) throw gone('The agent has stopped, so nothing more comes.')
  if (seen === 0) {
    await assertKnown(agent, query)
    out.message('No entries match.')
  }
  return exitCodes.ok
}

/** Of all members, so that the first line already tells two of one name apart. */
async function namesOf(agent: ApiClient): Promise<Names> {
  const names = createNames()
  const [own, rows] = await Promise.all([agent.status(), agent.peers()])
  for (const { name, peerId } of [own, ...rows]) names.know(name, peerId)
  return names
}

/** Who follows may wait for what is to come. */
const hint =
  ({ out }: Context) =>
  (error: unknown): void => {
    const isUnknown = hasCode(error, 'AGENT_NOT_FOUND') || hasCode(error, 'TASK_NOT_FOUND')
    if (!isUnknown) throw error
    out.message(`${clean(explain(error))} Waiting for it.`)
  }

/** Errors: `USAGE`. */
function checkType(word: string): string {
  if (expandEntryType(word.trim()) !== undefined) return word
  const groups = new Set(entryTypes.map((type) => type.split('.')[0]))
  throw new CliError('USAGE', `--type ${word} is no type of entry, and no group of types.`, {
    data: { type: word, types: entryTypes },
    next: `Groups: ${[...groups].join(', ')}. Types: ${entryTypes.join(', ')}.`,
  })
}

async function* followed(entries: AsyncIterable<LoggedEntry>): AsyncGenerator<LoggedEntry> {
  try {
    yield* entries
  } catch (error) {
    if (!hasCode(error, 'AGENT_GONE')) throw error
    throw gone('The agent ended all at once: it was killed, or it crashed.', error)
  }
}

const gone = (message: string, cause?: unknown) =>
  new ApiError('AGENT_GONE', message, {
    next: 'Start it with `bzzz up`; it goes on where its journal says it was.',
    ...(cause === undefined ? {} : { cause }),
  })

export async function logsVerify(context: Context, options: { agent?: string }): Promise<number> {
  const { out } = context
  const agent = await agentOf(context)
  const rows = await agent.verify(options.agent, { timeoutMs: context.timeoutMs(verifyMs) })
  if (out.json) await out.document(rows)
  else if (out.quiet) {
    for (const row of rows) if (!row.ok) await out.data(clean(row.agent))
  } else {
    const view = table(
      [
        { title: 'AGENT', value: (row) => row.agent || '?' },
        {
          title: 'RESULT',
          value: verdictOf,
          style: (text, row) => out.style(verdictStyles[verdictOf(row)], text),
        },
        { title: 'ENTRIES', value: (row) => row.length, align: 'right' },
        { title: 'EPOCH', value: (row) => row.epoch, align: 'right' },
        { title: 'KEY', value: (row) => row.key.slice(0, 16) },
        {
          title: 'PROBLEMS',
          value: (row) => [...row.problems, ...row.branches].join('; ') || null,
        },
      ],
      rows,
    )
    await out.data(view)
  }
  return rows.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.failed
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `30s`, `10m`, `1h`, `2d` before now, or an ISO date and time; ms since 1970. Errors: `USAGE`. */
export function parseTime(option: string, text: string, nowMs: number): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const size = unit === undefined ? undefined : unitMs[unit]
  if (amount !== undefined && size !== undefined) return nowMs - Number(amount) * size
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return Math.max(0, time)
  throw new CliError('USAGE', `${option} ${text} is no time.`, {
    next: 'Write 30s, 10m, 1h or 2d, or a date and time such as 2026-01-31T12:00:00Z.',
  })
}
