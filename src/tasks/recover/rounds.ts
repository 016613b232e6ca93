/**
 * A round of feedback that an earlier run finished, or an agent that is gone: what it was about comes from
 * the journal, so that people are told the same as without the crash, on the pull request.
 */
import type { Context, Job, RepoContext } from '../context.ts'
import { noteRound, tellRound } from '../attempt/end-round.ts'
import type { Item } from '../feedback/items.ts'
import { openNamed } from '../feedback/open-named.ts'
import type { Round } from '../feedback/types.ts'
import type { Issue } from '../github/github.ts'
import type { Recovery, Unfinished } from './recover.ts'

/** What the work says of itself; its last words are gone. */
export const lateSummary = 'Finished before a restart of the agent, and published after it.'

const kinds: ReadonlySet<string> = new Set(['review', 'check', 'conflict'] satisfies Item['kind'][])
const isKind = (kind: string): kind is Item['kind'] => kinds.has(kind)

/** Undefined when the attempt is no round. `agent`: whose attempt it is. */
export async function roundOf(
  { journal, settings }: Context,
  { repo, issue, round }: Unfinished,
  agent: string,
): Promise<Round | undefined> {
  if (round === undefined) return undefined
  const items = new Map<string, Item>()
  const query = { agent, task: { repo, issue }, types: ['feedback.seen'] as const }
  for await (const entry of journal.read(query)) {
    if (entry.type !== 'feedback.seen') continue
    for (const { key, kind, from } of entry.items)
      if (isKind(kind) && round.keys.includes(key)) items.set(key, { key, kind, from, text: '' })
  }
  return {
    number: round.number,
    of: settings.feedback?.maxRounds ?? round.number,
    last: round.number >= (settings.feedback?.maxRounds ?? 0),
    pull: { number: round.pull, url: '' },
    items: [...items.values()],
    merge: false,
  }
}

export interface RoundAgain {
  round: Round
  /** What was pushed, and the closing record. */
  at: Pick<Extract<Recovery, { is: 'publish' }>, 'head' | 'done'>
  /** In place of the executor's last words. */
  summary: string
  /** GitHub is waited for. */
  patient: boolean
}

/** It was pushed: what is left is to say so, and to open what it named. */
export async function tellRoundAgain(
  context: Context,
  place: RepoContext,
  task: Unfinished,
  { round, at, summary, patient }: RoundAgain,
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  const issue = { number: task.issue, title: task.title } as Issue
  const job = { place, attempt: task.attempt, issue, round } as Job
  const end = { outcome: 'pushed', head: at.head, summary, again: true } as const
  await tellRound(context, { job, lease: { claim: { oid: at.done } } }, end, signal)
  await openNamed(context, job, task.named, { again: true, patient }, signal)
  return () => noteRound(context, { job }, end)
}
