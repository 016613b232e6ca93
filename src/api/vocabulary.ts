/**
 * The words that requests may name, at run time. The rooms that own them are imported as types
 * only; the compiler refuses a table that lacks a word or has one too many.
 */
import type { EntryType } from '../journal/entries.ts'
import type { TaskState } from '../tasks/types.ts'

const entryTypeTable: Record<EntryType, true> = {
  'agent.started': true,
  'agent.stopped': true,
  'peer.seen': true,
  'peer.lost': true,
  'issue.seen': true,
  'issue.skipped': true,
  'claim.tried': true,
  'claim.won': true,
  'claim.lost': true,
  'claim.renewed': true,
  'claim.released': true,
  'claim.suspect': true,
  'executor.started': true,
  'executor.output': true,
  'executor.ended': true,
  'executor.session': true,
  'executor.activity': true,
  'executor.asked': true,
  'executor.permission': true,
  'executor.network': true,
  'executor.away': true,
  'executor.back': true,
  'executor.frozen': true,
  'executor.resumed': true,
  'check.run': true,
  'checkpoint.intent': true,
  'checkpoint.pushed': true,
  'checkpoint.refused': true,
  'work.finished': true,
  'publish.intent': true,
  pushed: true,
  'pull.opened': true,
  'task.done': true,
  'task.failed': true,
  'task.cancelled': true,
  'feedback.watching': true,
  'feedback.seen': true,
  'feedback.ignored': true,
  'feedback.round': true,
  'feedback.ended': true,
  'feedback.exhausted': true,
  'feedback.retry': true,
  'feedback.command': true,
  'feedback.asked': true,
  'feedback.ready': true,
  'feedback.named': true,
  'feedback.issues': true,
  'help.asked': true,
  'help.received': true,
  'help.discarded': true,
  'help.forwarded': true,
  'help.unsent': true,
  'help.offered': true,
  'help.declined': true,
  'help.accepted': true,
  'help.answered': true,
  'help.failed': true,
  'help.withdrawn': true,
  'help.relayed': true,
  'help.result': true,
  'help.exhausted': true,
  'task.merged': true,
  'task.closed': true,
  'task.waiting': true,
}

const taskStateTable: Record<TaskState, true> = {
  open: true,
  waiting: true,
  claimed: true,
  working: true,
  checking: true,
  publishing: true,
  done: true,
  review: true,
  merged: true,
  closed: true,
  failed: true,
  cancelled: true,
  released: true,
}

export const entryTypes = Object.keys(entryTypeTable) as EntryType[]
export const taskStates = Object.keys(taskStateTable) as TaskState[]

/** `claim` → all `claim.*`; `claim.won` → itself; undefined for what no type begins with. */
export function expandEntryType(word: string): EntryType[] | undefined {
  const found = entryTypes.filter((type) => type === word || type.startsWith(`${word}.`))
  return found.length === 0 ? undefined : found
}
