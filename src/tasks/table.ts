/**
 * The table of tasks: a projection of all journals that are here. It holds no truth of its own; a
 * restarted agent, or an observer, builds the same table from the same entries.
 */
import { RecentMap } from '../util/index.ts'
import { saysFailed } from './intake/intake.ts'
import { advance, finalStates, start, type TaskPosition } from './machine.ts'
import { orderOf, type LoggedEntry } from '../journal/index.ts'
import type { CheckpointView, ClaimProblem, TaskDetail, TaskRow } from './types.ts'

interface Task {
  repo: string
  issue: number
  title: string
  position: TaskPosition
  agent: string | null
  pull: { number: number; url: string } | null
  startedAt: number | null
  endedAt: number | null
  reason: string | null
  /** Wall clock of the last renewal, ms, while the work is frozen. */
  frozenSince: number | null
  contention: number
  claimRef: ClaimProblem | null
  checkpoint: CheckpointView | null
  /** Left out of a checkpoint that was not pushed yet, by its commit. */
  leftOut: { head: string; count: number } | null
  skips: RecentMap<string, string>
  /** Agent to its place in the order of agents for the issue. */
  places: RecentMap<string, number>
  /** Something else was said of it than that it is skipped. */
  touched: boolean
  history: TaskDetail['history']
}

/** Tasks kept; the oldest that are final go first. */
const maxTasks = 10_000
/** History lines kept of a task; the oldest go first. */
const usualHistory = 200
/** Agents whose reasons are kept per task. */
const maxAgents = 100

/** What only a worker's memory knows; the agent fills it in. */
const noView = { candidates: [], moreCandidates: 0 }

export interface TaskTable {
  add(entry: LoggedEntry): void
  rows(): TaskRow[]
  detail(ref: { repo: string; issue: number }): TaskDetail | undefined
  /** Claims lost in a race, over all tasks. */
  contention(): number
}

export interface TableOptions {
  /**
   * Entries kept of each task, as its history. Default 200. A table of all tasks keeps none: ten
   * thousand histories are more than everything else that an agent holds, and the journals have them.
   */
  maxHistory?: number
}

export function createTable(
  now: () => number,
  { maxHistory = usualHistory }: TableOptions = {},
): TaskTable {
  const tasks = new Map<string, Task>()
  const keyOf = (ref: { repo: string; issue: number }) => `${ref.repo.toLowerCase()}#${ref.issue}`

  function find(ref: { repo: string; issue: number }): Task {
    const existing = tasks.get(keyOf(ref))
    if (existing !== undefined) return existing
    if (tasks.size >= maxTasks) makeRoom()
    const task: Task = {
      ...ref,
      title: '',
      position: start,
      agent: null,
      pull: null,
      startedAt: null,
      endedAt: null,
      reason: null,
      frozenSince: null,
      contention: 0,
      claimRef: null,
      checkpoint: null,
      leftOut: null,
      skips: new RecentMap(maxAgents),
      places: new RecentMap(maxAgents),
      touched: false,
      history: [],
    }
    tasks.set(keyOf(ref), task)
    return task
  }

  function makeRoom(): void {
    const victim =
      [...tasks].find(([, task]) => finalStates.has(task.position.state)) ?? [...tasks][0]
    if (victim !== undefined) tasks.delete(victim[0])
  }

  const row = (task: Task): TaskRow => ({
    repo: task.repo,
    issue: task.issue,
    title: task.title,
    state: task.position.state,
    agent: task.agent,
    attempt: task.position.attempt,
    pullRequest: task.pull,
    durationMs:
      task.startedAt === null ? null : Math.max(0, (task.endedAt ?? now()) - task.startedAt),
    ...(task.frozenSince === null ? {} : { frozenSinceMs: task.frozenSince }),
  })

  return {
    add(entry) {
      if (!('task' in entry)) return
      const task = find({ repo: entry.task.repo, issue: entry.task.issue })
      const before = task.position
      const attempt = 'attempt' in entry ? entry.attempt : 0
      const after = advance(before, { type: entry.type, author: entry.peerId, attempt })
      task.position = after
      learn(task, entry)
      if (after !== before) note(task, after, entry)
      if (attempt === after.attempt && entry.peerId === after.holder) noteFreeze(task, entry)
      if (entry.type !== 'issue.skipped') task.touched = true
      task.history.push(entry)
      if (task.history.length > maxHistory) forget(task.history)
    },
    rows: () =>
      [...tasks.values()]
        .filter((task) => !onlySkipped(task))
        .map(row)
        .sort((a, b) => a.repo.localeCompare(b.repo) || a.issue - b.issue),
    detail(ref) {
      const task = tasks.get(keyOf(ref))
      if (task === undefined) return undefined
      const history = [...task.history].sort((a, b) => orderOf(a) - orderOf(b))
      const { contention, claimRef, checkpoint } = task
      const reason = frozenReason(task) ?? task.reason
      const skipped = skippedOf(task)
      return { ...row(task), ...noView, reason, skipped, claimRef, checkpoint, contention, history }
    },
    contention: () => [...tasks.values()].reduce((sum, task) => sum + task.contention, 0),
  }
}

/** What executors do in between goes first: it is much, and what decided stands elsewhere. */
function forget(history: Task['history']): void {
  const activity = history.findIndex(({ type }) => type === 'executor.activity')
  history.splice(Math.max(0, activity), 1)
}

/** Nobody has taken it up: it is shown when asked for, and listed with no others. */
const onlySkipped = ({ position, touched }: Task) => position.state === 'open' && !touched

/** What each agent said last; of those that said nothing, who has it and whose turn it is. */
function skippedOf({ position, agent, skips, places }: Task): TaskDetail['skipped'] {
  const all = [...skips].map(([name, reason]) => ({ agent: name, reason }))
  // Who failed at it has set the label itself.
  const said =
    position.state === 'failed'
      ? all.filter((one) => one.agent !== agent || !saysFailed(one.reason))
      : all
  if (finalStates.has(position.state)) return said
  const taken = position.state !== 'open' && position.state !== 'waiting'
  const held = taken && position.state !== 'released'
  const others = [...places].filter(([name]) => !skips.has(name) && !(held && name === agent))
  const derived = others.flatMap(([name, place]) => {
    const order = place === 0 ? [] : [`place ${place + 1} for it`]
    const reasons = held ? [`held by ${agent ?? 'another'}`, ...order] : order
    return reasons.length === 0 ? [] : [{ agent: name, reason: reasons.join(', ') }]
  })
  return [...said, ...derived].slice(0, maxAgents)
}

/** What an entry tells whoever wrote it, and whatever the task's state. */
function learn(task: Task, entry: LoggedEntry): void {
  if ('title' in entry && entry.title !== '') task.title = entry.title
  if (entry.type === 'claim.lost') task.contention += 1
  if (entry.type === 'issue.skipped') task.skips.set(entry.agent, entry.reason)
  if (entry.type === 'issue.seen' && entry.place !== undefined)
    task.places.set(entry.agent, entry.place)
  if (entry.type === 'claim.tried') task.skips.delete(entry.agent)
  if (entry.type === 'claim.won' || entry.type === 'claim.renewed') task.claimRef = null
  if (entry.type === 'claim.suspect') task.claimRef = problemOf(entry, task.claimRef)
  if (entry.type === 'feedback.exhausted') task.reason = `needs a person: ${entry.reason}`
  if (entry.type === 'checkpoint.intent') task.leftOut = { head: entry.head, count: entry.leftOut }
  if (entry.type === 'checkpoint.pushed') task.checkpoint = checkpointOf(entry, task)
  if (entry.type === 'pushed') task.checkpoint = null
  if (entry.type === 'pull.opened') task.pull = { number: entry.number, url: entry.url }
}

/** Journals arrive in any order: the newest attempt stands, and in it the newest entry. */
function checkpointOf(
  entry: Extract<LoggedEntry, { type: 'checkpoint.pushed' }>,
  { checkpoint: before, leftOut }: Task,
): CheckpointView {
  const { branch, head, attempt, agent, time: atMs, files, bytes } = entry
  const older = before !== null && (before.attempt - attempt || before.atMs - atMs) > 0
  if (older) return before
  const count = leftOut?.head === head ? leftOut.count : 0
  return { branch, head, attempt, agent, atMs, files, bytes, leftOut: count }
}

/** May stand between a freeze and its end. */
const duringFreeze: ReadonlySet<string> = new Set(['claim.renewed', 'executor.activity'])

/** Frozen from such an entry to the next step of the same attempt, whichever it is. */
function noteFreeze(task: Task, entry: LoggedEntry): void {
  if (entry.type === 'executor.frozen') task.frozenSince = entry.renewed
  else if (!duringFreeze.has(entry.type)) task.frozenSince = null
}

const frozenReason = ({ frozenSince }: Task) =>
  frozenSince === null
    ? undefined
    : `frozen: the lease could not be renewed since ${isoTime(frozenSince)}`

/** Time in UTC; whatever a peer wrote. */
const isoTime = (ms: number) => (ms <= 8.64e15 ? new Date(ms).toISOString() : 'an unknown time')

/** The task moved. */
function note(task: Task, after: TaskPosition, entry: LoggedEntry): void {
  const ended = finalStates.has(after.state) || after.state === 'released'
  if (ended || entry.type === 'task.waiting')
    task.reason = ('reason' in entry ? entry.reason : null) ?? null
  if (ended || entry.type === 'feedback.ended') task.endedAt ??= entry.time
  if (entry.type !== 'claim.won') return
  task.frozenSince = null
  task.agent = entry.agent
  task.startedAt = entry.time
  task.endedAt = null
  task.reason = null
}

/** Several agents see the same: the first one stands. */
function problemOf(
  entry: Extract<LoggedEntry, { type: 'claim.suspect' }>,
  before: ClaimProblem | null,
): ClaimProblem | null {
  const { kind, ref, oid, reason, agent, time } = entry
  if (kind === 'sound') return null
  if (before?.kind === kind && before.oid === oid && before.sinceMs <= time) return before
  return { kind, ref, oid, reason, agent, sinceMs: time, next: nextOf(kind, ref, entry.task.repo) }
}

function nextOf(kind: ClaimProblem['kind'], ref: string, repo: string): string {
  const clear = `in a clone of ${repo}: git push origin :${ref}`
  if (kind === 'invalid')
    return `Nobody claims the issue until the ref is gone. To remove it, type ${clear}`
  const wait = 'It is claimed again after the lease of the record before.'
  return kind === 'deleted' ? wait : `${wait} To begin anew, type ${clear}`
}
