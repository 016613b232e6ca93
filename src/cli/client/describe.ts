/**
 * A journal entry in words: one table with a line for each type; the compiler finds the missing
 * one. An entry of a type that only a newer agent knows is shown by its name. Pure; the result is
 * safe to print.
 */
import type { LoggedEntry } from '../../api/client.ts'
import { helpTypes } from './describe-help.ts'
import { clean, clockTime, count, duration, width } from '../output/text.ts'

type Known = Exclude<LoggedEntry, { type: 'unknown' }>
type EntryOf<T extends Known['type']> = Extract<Known, { type: T }>
type Describe = { [T in Known['type']]: (entry: EntryOf<T>) => string[] }

const attempt = (entry: { attempt: number }) => `attempt ${entry.attempt}`
const short = (id: string | undefined) => (id === undefined ? '' : id.slice(0, 12))
const peer = (id: string) => (id.length > 20 ? `…${id.slice(-8)}` : id)
const exit = (code: number | undefined) => (code === undefined ? '' : `exit ${code}`)
const list = (label: string, words: readonly string[]) =>
  words.length === 0 ? '' : `${label} ${words.join(', ')}`

const describeType: Describe = {
  'agent.started': (entry) => [entry.name, `version ${entry.version}`, peer(entry.peerId)],
  'agent.stopped': (entry) => [entry.reason],
  'peer.seen': (entry) => [entry.name ?? '', peer(entry.peer ?? entry.peerId)],
  'peer.lost': (entry) => [peer(entry.peer ?? entry.peerId), entry.reason],
  'issue.seen': (entry) => [
    quoted(entry.title),
    list('labels', entry.labels),
    list('needs', entry.needs),
    entry.place === undefined || entry.place === 0 ? '' : `place ${entry.place + 1}`,
  ],
  'issue.skipped': (entry) => [entry.reason],
  'claim.tried': (entry) => [
    attempt(entry),
    `record ${short(entry.oid)}`,
    entry.previous === undefined ? '' : `over ${short(entry.previous)}`,
  ],
  'claim.won': (entry) => [
    attempt(entry),
    quoted(entry.title),
    `branch ${entry.branch}`,
    `lease ${duration(entry.leaseMs)}`,
  ],
  'claim.lost': (entry) => [
    attempt(entry),
    entry.winner === undefined ? '' : `to ${entry.winner}`,
    entry.reason,
  ],
  'claim.renewed': (entry) => [attempt(entry), `lease ${duration(entry.leaseMs)}`],
  'claim.released': (entry) => [attempt(entry), entry.state, entry.reason],
  'claim.suspect': (entry) => [entry.kind, entry.ref, short(entry.oid), entry.reason],
  'executor.started': (entry) => [
    attempt(entry),
    named(entry.executor, entry.kind),
    entry.sandbox === undefined ? '' : entry.sandbox === 'none' ? 'no sandbox' : entry.sandbox,
    entry.reason ?? '',
  ],
  'executor.away': (entry) => [
    entry.executor,
    entry.why,
    `until ${whenOf(entry.untilMs)}`,
    entry.reason,
  ],
  'executor.back': (entry) => [entry.executor],
  'executor.output': (entry) => [
    attempt(entry),
    count(entry.bytes, 'byte'),
    entry.truncated ? 'cut' : '',
    `sha256 ${short(entry.sha256)}`,
  ],
  'executor.ended': (entry) => [
    attempt(entry),
    entry.executor,
    entry.outcome,
    exit(entry.exitCode),
    `in ${duration(entry.durationMs)}`,
    tokens(entry.usage),
  ],
  'executor.session': (entry) => [attempt(entry), entry.executor, `${entry.how} conversation`],
  'executor.activity': (entry) => [
    attempt(entry),
    list('tools', kindsOf(entry.tools)),
    entry.moreTools === 0 ? '' : `and ${count(entry.moreTools, 'more call')}`,
    entry.plan === undefined ? '' : `plan ${entry.plan.done} of ${entry.plan.steps}`,
    entry.files === undefined ? '' : `wrote ${count(entry.files.count, 'file')}`,
    entry.permissions === undefined ? '' : `allowed ${entry.permissions.allowed}`,
    (entry.permissions?.denied ?? 0) === 0 ? '' : `denied ${entry.permissions?.denied}`,
    tokens(entry.usage),
  ],
  'executor.asked': (entry) => [
    attempt(entry),
    `question ${entry.question}`,
    `whether it may ${entry.kind}`,
    `until ${whenOf(entry.deadlineMs)}`,
  ],
  'executor.permission': (entry) => [
    attempt(entry),
    entry.allowed ? 'allowed' : 'denied',
    entry.kind,
    deciders[entry.by],
    entry.question === undefined ? '' : `question ${entry.question}`,
  ],
  'executor.network': ({ refused, more, allowed, bytes, ...entry }) => [
    attempt(entry),
    allowed.length === 0 ? '' : `reached ${allowed.map(({ host }) => host).join(', ')}`,
    refused.length === 0 ? '' : `was refused ${refused.map(refusal).join(', ')}`,
    more === 0 ? '' : `and ${more} more`,
    count(bytes, 'byte'),
  ],
  'executor.frozen': (entry) => [
    attempt(entry),
    `the lease could not be renewed since ${whenOf(entry.renewed)}`,
  ],
  'executor.resumed': (entry) => [attempt(entry), `after ${duration(entry.frozenMs)}`],
  'check.run': (entry) => [
    attempt(entry),
    quoted(entry.name),
    entry.outcome,
    exit(entry.exitCode),
    `in ${duration(entry.durationMs)}`,
  ],
  'checkpoint.intent': (entry) => [
    attempt(entry),
    `branch ${entry.branch}`,
    `commit ${short(entry.head)}`,
    count(entry.files, 'file'),
    count(entry.bytes, 'byte'),
    entry.leftOut === 0 ? '' : `${entry.leftOut} left out`,
  ],
  'checkpoint.pushed': (entry) => [
    attempt(entry),
    `branch ${entry.branch}`,
    `commit ${short(entry.head)}`,
    count(entry.files, 'file'),
  ],
  'checkpoint.refused': (entry) => [attempt(entry), `branch ${entry.branch}`, entry.reason],
  'work.finished': (entry) => [
    attempt(entry),
    `branch ${entry.branch}`,
    `${short(entry.base)}..${short(entry.head)}`,
  ],
  'publish.intent': (entry) => [
    attempt(entry),
    `branch ${entry.branch}`,
    `${short(entry.base)}..${short(entry.head)}`,
  ],
  pushed: (entry) => [
    attempt(entry),
    `branch ${entry.branch}`,
    `${short(entry.base)}..${short(entry.head)}`,
  ],
  'pull.opened': (entry) => [
    attempt(entry),
    `#${entry.number}`,
    entry.url,
    entry.adopted ? 'adopted' : '',
  ],
  'task.done': (entry) => [
    attempt(entry),
    `pull request #${entry.pull}`,
    `in ${duration(entry.durationMs)}`,
  ],
  'task.failed': (entry) => [
    attempt(entry),
    entry.code,
    entry.reason,
    `in ${duration(entry.durationMs)}`,
  ],
  'task.cancelled': (entry) => [attempt(entry), entry.reason],
  'feedback.watching': (entry) => [attempt(entry), `pull request #${entry.pull}`],
  'feedback.seen': (entry) => [
    `pull request #${entry.pull}`,
    entry.items.map(({ kind, from }) => `${kind} (${from})`).join(', '),
  ],
  'feedback.ignored': (entry) => [`pull request #${entry.pull}`, entry.from, entry.reason],
  'feedback.round': (entry) => [
    attempt(entry),
    `round ${entry.round} of pull request #${entry.pull}`,
    count(entry.keys.length, 'piece'),
  ],
  'feedback.ended': (entry) => [
    attempt(entry),
    `round ${entry.round} of pull request #${entry.pull}`,
    entry.outcome,
    short(entry.head),
    entry.reason,
  ],
  'feedback.exhausted': (entry) => [
    `pull request #${entry.pull}`,
    `after ${count(entry.rounds, 'round')}`,
    entry.reason,
  ],
  'feedback.retry': (entry) => [entry.from, `after attempt ${entry.after}`],
  'feedback.command': (entry) => [entry.from, `/bzzz ${entry.command}`, entry.outcome],
  'feedback.asked': (entry) => [entry.from, quoted(entry.question)],
  'feedback.ready': (entry) => [attempt(entry), `pull request #${entry.pull} is no draft any more`],
  'feedback.named': (entry) => [
    attempt(entry),
    entry.issues.map(({ kind, title }) => `${kind} ${quoted(title)}`).join(', '),
  ],
  'feedback.issues': (entry) => [
    attempt(entry),
    entry.opened.map(({ issue, kind }) => `${kind} #${issue}`).join(', '),
  ],
  ...helpTypes,
  'task.merged': (entry) => [
    `pull request #${entry.pull}`,
    entry.by === undefined ? '' : `by ${entry.by}`,
  ],
  'task.closed': (entry) => [`pull request #${entry.pull}`, entry.reason],
  'task.waiting': (entry) => [list('needs', entry.needs), entry.reason],
}

/** `claim.won octo/lib#4 attempt 1 "Fix login" branch bzzz/issue-4` */
export function describeEntry(entry: LoggedEntry): string {
  const task = 'task' in entry ? `${entry.task.repo}#${entry.task.issue}` : ''
  const type = entry.type === 'unknown' ? entry.originalType : entry.type
  return [clean(type), clean(task), wordsOf(entry)].filter((word) => word !== '').join(' ')
}

/** What the entry says beyond its type and task. */
export function wordsOf(entry: LoggedEntry): string {
  const known = Object.hasOwn(describeType, entry.type) && entry.type !== 'unknown'
  const describe = known ? (describeType[entry.type] as (entry: Known) => string[]) : undefined
  const words = describe?.(entry as Known) ?? ['(of a newer version)']
  return clean(words.filter((word) => word !== '').join(' '))
}

/** `12:01:03 owl   #318 claim.won …`; `name`: as shown, safe to print; `nameWidth`: columns that it is padded to. */
export function logLine(
  entry: LoggedEntry,
  {
    nowMs,
    name = clean(entry.agent),
    nameWidth = 0,
  }: { nowMs: number; name?: string; nameWidth?: number },
): string {
  const fill = ' '.repeat(Math.max(0, nameWidth - width(name)))
  const seq = `#${entry.seq}`.padEnd(5)
  return `${clockTime(entry.time, nowMs)} ${name}${fill} ${seq} ${describeEntry(entry)}`
}

/** UTC; a peer may have written anything. */
const whenOf = (ms: number) => (ms <= 8.64e15 ? new Date(ms).toISOString() : 'an unknown time')
const quoted = (text: string) => `“${text}”`
const named = (name: string, kind: string) => (name === kind ? name : `${name} (${kind})`)

function refusal({ host, port, reason }: EntryOf<'executor.network'>['refused'][number]): string {
  return `${host}:${port} (${reason})`
}

function tokens(usage: EntryOf<'executor.ended'>['usage']): string {
  const { inputTokens, outputTokens, costMicros } = usage ?? {}
  const told = inputTokens !== undefined || outputTokens !== undefined
  const money = costMicros === undefined ? '' : `$${(costMicros / 1_000_000).toFixed(4)}`
  const taken = told ? `tokens ${inputTokens ?? '?'} in, ${outputTokens ?? '?'} out` : ''
  return [taken, money].filter((word) => word !== '').join(' ')
}

/** `edit ×2, execute`; what failed is named apart. */
function kindsOf(tools: EntryOf<'executor.activity'>['tools']): string[] {
  const words = tools.map(({ kind, status }) => (status === 'failed' ? `${kind} failed` : kind))
  const groups = Map.groupBy(words, (word) => word)
  return [...groups].map(([word, { length }]) => (length === 1 ? word : `${word} ×${length}`))
}

const deciders: Readonly<Record<EntryOf<'executor.permission'>['by'], string>> = {
  rule: 'by a rule',
  default: 'by the default',
  person: 'by a person',
  deadline: 'since nobody answered in time',
  nobody: 'since nobody could be asked',
  end: 'since the work ended',
}
