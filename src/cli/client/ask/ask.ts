/** `bzzz ask …`: requests for help among agents: what was asked, to ask, and to answer one oneself. */
import type { AskRow, HelpReply, HelpTree } from '../../../api/client.ts'
import { withDeadline } from '../../../util/index.ts'
import type { Context } from '../../context.ts'
import { exitCodes } from '../../exit.ts'
import { table, type Column } from '../../output/table.ts'
import { age, clean, count } from '../../output/text.ts'
import { agentOf, completeTask, parseTask } from '../agent.ts'
import { peerNames } from './names.ts'
import { drawAsk } from './tree.ts'
import { givenText } from './text.ts'

/** Longest life of a request, ms. */
const SEND_MS = 6 * 60 * 60_000
/** Longest question, and longest advice, characters. */
const MAX_QUESTION = 4_000
const MAX_ADVICE = 32_000

export async function askLs(context: Context, { last }: { last?: number }): Promise<number> {
  const { out } = context
  const agent = await agentOf(context)
  const rows = await agent.asks(last)
  if (out.json) await out.document(rows)
  else if (out.quiet) for (const { id } of rows) await out.data(clean(id))
  else if (rows.length === 0) out.message('Nobody has asked for help.')
  else {
    const name = await peerNames(agent)
    await out.data(table(columns(name, Date.now()), rows, out.columns))
    const waits = rows.filter((row) => row.waits !== undefined)
    for (const { id } of waits) out.message(`Waits for a person here: ${howToAnswer(id)}`)
  }
  return exitCodes.ok
}

export async function askShow(context: Context, id: string): Promise<number> {
  const { out } = context
  const agent = await agentOf(context)
  const shown = await agent.ask(id)
  if (out.json) await out.document(shown)
  else if (out.quiet) await out.data(clean(shown.row?.id ?? shown.tree?.id ?? id))
  else {
    await out.data(drawAsk(shown, { name: await peerNames(agent), nowMs: Date.now() }))
    if (shown.row?.waits !== undefined) out.message(`Answer it: ${howToAnswer(shown.row.id)}`)
  }
  return exitCodes.ok
}

export interface SendOptions {
  question?: string
  questionFile?: string
  need?: string[]
  want?: NonNullable<
    Parameters<Awaited<ReturnType<typeof agentOf>>['sendAsk']>[1]['want']
  >[number][]
}

/** Waits for what comes of it; Ctrl-C withdraws the request. */
export async function askSend(
  context: Context,
  ref: string,
  options: SendOptions,
): Promise<number> {
  const { out, signal } = context
  const task = parseTask(ref)
  const question = await givenText(context, {
    what: 'question',
    text: options.question,
    file: options.questionFile,
    most: MAX_QUESTION,
  })
  const { need: needs, want } = options
  const wanted = {
    question,
    ...(needs === undefined ? {} : { needs }),
    ...(want === undefined ? {} : { want }),
  }
  const agent = await agentOf(context)
  const of = await completeTask(agent, task)
  out.message('Waiting for help; Ctrl-C withdraws the request.')
  const reply = await withDeadline(
    'the help',
    context.timeoutMs(SEND_MS),
    (inner) => agent.sendAsk(of, wanted, inner),
    { signal },
  )
  if (out.json) await out.document(reply)
  else if (out.quiet) await out.data(clean('id' in reply ? (reply.id ?? '') : ''))
  else await out.data(describeReply(reply, await peerNames(agent)))
  return helped.has(reply.is) ? exitCodes.ok : exitCodes.failed
}

export async function askAnswer(
  context: Context,
  id: string,
  { text, textFile }: { text?: string; textFile?: string },
): Promise<number> {
  const { out } = context
  const advice = await givenText(context, {
    what: 'text',
    text,
    file: textFile ?? (text === undefined ? '-' : undefined),
    most: MAX_ADVICE,
  })
  const agent = await agentOf(context)
  const answered = await agent.answerAsk(id, advice)
  if (out.json) await out.document({ ...answered, answered: true })
  else if (out.quiet) await out.data(clean(answered.id))
  else out.message(`Answered. What becomes of it: bzzz ask show ${clean(answered.id.slice(0, 8))}`)
  return exitCodes.ok
}

const helped: ReadonlySet<HelpReply['is']> = new Set(['advice', 'patched', 'handed-over'])
const howToAnswer = (id: string) =>
  `bzzz ask answer ${clean(id.slice(0, 8))} --text '…' (or the text on stdin)`

function describeReply(reply: HelpReply, name: (peerId: string) => string): string {
  switch (reply.is) {
    case 'advice':
      return `${name(reply.helper)} advises:\n${reply.text.split('\n').map(clean).join('\n')}`
    case 'patched': {
      const note = reply.note === '' ? '' : `\n${reply.note.split('\n').map(clean).join('\n')}`
      const files = reply.files.map((file) => `  ${clean(file)}`)
      const head = `${name(reply.helper)} sent a patch of ${count(files.length, 'file')}, which is in the work tree:`
      return [head, ...files].join('\n') + note
    }
    case 'handed-over':
      return `${name(reply.helper)} goes on with the task.`
    case 'refused':
      return `${name(reply.helper)} answered, but that cannot be used: ${clean(reply.reason)}`
    case 'nobody':
      return `Nobody helps: ${clean(reply.reason)}`
    case 'exhausted':
      return `All requests of the task are used up: ${clean(reply.reason)}`
    case 'over':
      return clean(reply.reason)
    case 'off':
      return `Help cannot be asked for now: ${clean(reply.reason)}`
  }
}

const columns = (name: (peerId: string) => string, nowMs: number): Column<AskRow>[] => [
  { title: 'ID', value: ({ id }) => id.slice(0, 8) },
  { title: 'TASK', value: ({ task }) => `${task.repo}#${task.issue}` },
  { title: 'REQUEST', value: ({ round }) => round, align: 'right' },
  { title: 'FROM', value: ({ origin }) => name(origin) },
  {
    title: 'AGE',
    value: ({ askedAtMs }) => (askedAtMs === 0 ? null : age(nowMs - askedAtMs)),
    align: 'right',
  },
  { title: 'OUTCOME', value: outcomeOf },
  { title: 'HELPER', value: ({ helper }) => (helper === undefined ? null : name(helper)) },
  { title: 'HERE', value: hereOf },
]

const outcomeOf = ({ outcome }: Pick<HelpTree, 'outcome'>) => outcome

function hereOf({ here, waits }: AskRow): string | null {
  if (waits !== undefined) return 'waits for a person'
  return here === undefined ? null : `${here.role}, ${here.phase}`
}
