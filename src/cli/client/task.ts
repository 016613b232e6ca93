/** `bzzz task ls` and `bzzz task show`: issues as tasks, and what happened to one. */
import type { ShownTask, TaskDetail, TaskRow, TaskState } from '../../api/client.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { table, type Column } from '../output/table.ts'
import { clean, count, duration } from '../output/text.ts'
import { agentOf, completeTask, parseTask } from './agent.ts'
import { drawHistory } from './history.ts'
import { assertKnownRepository } from './known.ts'
import { amount } from './work-lines.ts'

export async function taskLs(
  context: Context,
  filter: { repo?: string; state?: TaskState },
): Promise<number> {
  const { out } = context
  const agent = await agentOf(context)
  const rows = await agent.tasks(filter)
  if (rows.length === 0 && filter.repo !== undefined)
    await assertKnownRepository(agent, filter.repo)
  if (out.json) await out.document(rows)
  else if (out.quiet) for (const { repo, issue } of rows) await out.data(clean(`${repo}#${issue}`))
  else if (rows.length === 0) out.message('No tasks. Label an issue `bzzz` to make it one.')
  else await out.data(table(columns(out), rows, out.columns))
  return exitCodes.ok
}

export async function taskShow(context: Context, ref: string): Promise<number> {
  const { out } = context
  const given = parseTask(ref)
  const agent = await agentOf(context)
  const task = await agent.task(await completeTask(agent, given))
  if (out.json) {
    await out.document(task)
    return exitCodes.ok
  }
  const by = task.agent === null ? 'nobody yet' : `${task.agent}, attempt ${task.attempt}`
  const facts: [string, string | null][] = [
    ['state', stateOf(task)],
    ['agent', by],
    ['time', task.durationMs === null ? null : duration(task.durationMs)],
    ['reason', task.reason],
    ...skippedRows(task.skipped),
    ...claimRefRows(task.claimRef),
    ['pull', task.pullRequest && `#${task.pullRequest.number} ${task.pullRequest.url}`],
    ...questionRows(task),
    ['spent', spentOf(task)],
    ['races', task.contention === 0 ? null : `${count(task.contention, 'claim')} lost`],
  ]
  const lines = facts.flatMap(([name, value]) =>
    value === null ? [] : [`${name.padEnd(8)} ${style(clean(value), task.state, name, out)}`],
  )
  const head = out.style('bold', clean(`${task.repo}#${task.issue}  ${task.title}`))
  const parts = [candidates(task), drawHistory(task.history, Date.now())]
  const more = parts.flatMap((part) => (part === '' ? [] : ['', part]))
  await out.data([head, ...lines, ...more].join('\n'))
  return exitCodes.ok
}

/** What waits for a person, what to type, and until when; here, or on the machine of another agent. */
function questionRows({
  repo,
  issue,
  questions = [],
  history,
  state,
}: ShownTask): [string, string][] {
  const here = questions.flatMap(
    ({ id, kind, title, command, paths, deadlineMs }): [string, string][] => [
      ['asks', `whether it may ${kind}: ${title}`],
      ...(command === undefined || title.includes(command)
        ? []
        : [['', `command ${command}`] as [string, string]]),
      ...(paths.length === 0 ? [] : [['', `at ${paths.join(', ')}`] as [string, string]]),
      [
        '',
        `until ${new Date(deadlineMs).toISOString()}; type: bzzz task answer ${repo}#${issue} ${id} allow (or deny)`,
      ],
    ],
  )
  const known = new Set(questions.map(({ id }) => id))
  const told = new Set(
    history.flatMap((entry) => (entry.type === 'executor.permission' ? [entry.question] : [])),
  )
  const elsewhere = history.flatMap((entry): [string, string][] => {
    if (entry.type !== 'executor.asked' || known.has(entry.question)) return []
    if (told.has(entry.question) || entry.deadlineMs <= Date.now() || state !== 'working') return []
    const { agent, kind, question } = entry
    return [
      [
        'asks',
        `${agent} asks whether it may ${kind} (question ${question}); answer on its machine`,
      ],
    ]
  })
  return [...here, ...elsewhere]
}

/** `bzzz task answer`: tells an executor that asked whether it may. */
export async function taskAnswer(
  context: Context,
  ref: string,
  question: string,
  answer: 'allow' | 'deny',
): Promise<number> {
  const { out } = context
  const given = parseTask(ref)
  const agent = await agentOf(context)
  const asked = await agent.answer(await completeTask(agent, given), question, answer)
  if (out.json) await out.document({ ...asked, answer })
  else if (out.quiet) await out.data(clean(asked.id))
  else out.message(`${answer === 'allow' ? 'Allowed' : 'Denied'}: ${clean(asked.title)}`)
  return exitCodes.ok
}

/** What its attempts took; null when nobody told. */
function spentOf({ spent }: ShownTask): string | null {
  const kinds = ['tokens', 'costMicros', 'wallMs'] as const
  const said = kinds.flatMap((kind) => {
    const value = spent?.[kind] ?? 0
    return value > 0 ? [amount(kind, value)] : []
  })
  return said.length === 0 ? null : said.join(', ')
}

/** What is wrong with the claim ref, since when, and what to type. */
function claimRefRows(problem: TaskDetail['claimRef']): [string, string][] {
  if (problem === null) return []
  const { kind, ref, oid, reason, agent, sinceMs, next } = problem
  const since = new Date(sinceMs).toISOString()
  return [
    ['claim', `${ref} is ${kind}: ${reason}`],
    ['', `at ${oid.slice(0, 12)}, seen by ${agent} since ${since}`],
    ['', next],
  ]
}

/** The order of agents, as long as nobody has ended the task. */
function candidates({ candidates: rows, moreCandidates, state }: TaskDetail): string {
  if (rows.length === 0 || ['done', 'failed', 'cancelled'].includes(state)) return ''
  const part = (value: number | undefined) => (value === undefined ? null : value.toFixed(2))
  const view = table<TaskDetail['candidates'][number]>(
    [
      { title: 'PLACE', value: ({ place }) => place, align: 'right' },
      { title: 'AGENT', value: ({ agent }) => agent },
      { title: 'WEIGHT', value: ({ fitness }) => part(fitness?.weight), align: 'right' },
      { title: 'SLOTS', value: ({ fitness }) => part(fitness?.slots), align: 'right' },
      { title: 'LOAD', value: ({ fitness }) => part(fitness?.load), align: 'right' },
      { title: 'MEMORY', value: ({ fitness }) => part(fitness?.memory), align: 'right' },
      { title: 'PAST', value: ({ fitness }) => part(fitness?.failures), align: 'right' },
      { title: 'WHY', value: ({ reason }) => reason },
    ],
    rows,
  )
  return moreCandidates === 0 ? view : `${view}\nand ${count(moreCandidates, 'more agent')}`
}

/** One row for each reason, with the agents that have it. */
function skippedRows(skipped: TaskDetail['skipped']): [string, string][] {
  const byReason = Map.groupBy(skipped, ({ reason }) => reason)
  return [...byReason].map(([reason, who]) => [
    'skipped',
    `by ${who.map(({ agent }) => agent).join(', ')}: ${reason}`,
  ])
}

const columns = (out: Context['out']): Column<TaskRow>[] => [
  { title: 'TASK', value: ({ repo, issue }) => `${repo}#${issue}` },
  {
    title: 'STATE',
    value: stateOf,
    style: (text, { state }) => style(text, state, 'state', out),
  },
  { title: 'AGENT', value: ({ agent }) => agent },
  { title: 'TRY', value: ({ attempt }) => (attempt === 0 ? null : attempt), align: 'right' },
  {
    title: 'TIME',
    value: ({ durationMs }) => (durationMs === null ? null : duration(durationMs)),
    align: 'right',
  },
  { title: 'PULL', value: ({ pullRequest }) => pullRequest && `#${pullRequest.number}` },
  { title: 'TITLE', value: ({ title }) => title, flexible: true },
]

const stateOf = ({ state, frozenSinceMs }: TaskRow) =>
  frozenSinceMs === undefined ? state : `${state}, frozen`

const colours: Partial<Record<TaskState, 'green' | 'red' | 'yellow' | 'cyan'>> = {
  done: 'green',
  failed: 'red',
  cancelled: 'red',
  waiting: 'yellow',
  claimed: 'cyan',
  working: 'cyan',
  checking: 'cyan',
  publishing: 'cyan',
}

function style(text: string, state: TaskState, name: string, out: Context['out']): string {
  const colour = name === 'state' ? colours[state] : undefined
  return colour === undefined ? text : out.style(colour, text)
}
