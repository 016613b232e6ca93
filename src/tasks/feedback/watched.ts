/** The pull requests that this agent looks after, and what it knows of them between two looks. */
import { newest, type Retry } from '../claim/retry.ts'
import type { TasksJournal } from '../needs.ts'
import type { Checks, LineComment, PullDetail, Review } from '../github/review-calls.ts'

export interface Watched {
  issue: number
  /** Attempt that made the pull request, or the last round. */
  attempt: number
  pull: { number: number; url: string }
  /** As it was read last; undefined: to be read. */
  seen?: { pull: PullDetail; reviews: Review[]; lines: LineComment[]; checks: Checks }
  /** What of the listing it was read for. */
  stamp: string
  /** Of the last reading, monotonic ms. */
  readAt: number
  /** As of when it is known to be as it was read then, monotonic ms. */
  shownAt: number
  /** When it was asked for its checks last, monotonic ms. */
  checkedAt: number
  /** Since when it is not found, monotonic ms; a replica may lag. */
  missingSince: number | undefined
  /** When it was seen to have changed last, monotonic ms. */
  changedAt: number
  /** Keys of what is to be answered, and since when it is that, monotonic ms. */
  keys: string
  quietSince: number
  /** For which keys, and which wish of a person, the chain of claims said that nothing is due. */
  settled: string
  /** Reviews that are not listened to, said once. */
  ignored: Set<number>
  /** When it was seen with a label that nothing is to be done by itself, wall clock, ms. */
  markSeenAt: number
  /** Since when a round is due that this agent cannot begin, and when people were told, monotonic ms. */
  blockedSince: number | undefined
  toldAt: number
  /** Making it ready failed once; it is left a draft. */
  staysDraft: boolean
  /** The journal says that it is looked after. */
  noted: boolean
  /** Peer id of the author of its newest record; empty when there is none, undefined when not looked. */
  owner: string | undefined
}

/** Pull requests looked after per repository; the oldest go first. */
const maxWatched = 200

export const newWatch = (
  of: Pick<Watched, 'issue' | 'attempt' | 'pull'>,
  noted: boolean,
): Watched => ({
  ...of,
  stamp: '',
  readAt: -Infinity,
  shownAt: -Infinity,
  checkedAt: -Infinity,
  missingSince: undefined,
  changedAt: -Infinity,
  keys: '',
  quietSince: -Infinity,
  settled: '',
  ignored: new Set(),
  markSeenAt: -Infinity,
  blockedSince: undefined,
  toldAt: -Infinity,
  staysDraft: false,
  noted,
  owner: undefined,
})

export function put(watched: Map<number, Watched>, one: Watched): void {
  watched.delete(one.issue)
  watched.set(one.issue, one)
  const [oldest] = watched.keys()
  if (watched.size > maxWatched && oldest !== undefined) watched.delete(oldest)
}

/** What an earlier run of this agent left to be looked after, and what it was asked for. */
export interface Left {
  watched: Map<string, Map<number, Watched>>
  /** Comments that were obeyed or refused, by repository in lower case. */
  commands: Map<string, Set<number>>
  /** Newest comment that asks for another try, by repository in lower case and issue. */
  retries: Map<string, Map<number, Retry>>
}

const relevant = [
  'pull.opened',
  'feedback.watching',
  'feedback.ended',
  'feedback.command',
  'task.merged',
  'task.closed',
] as const

/** Comments that are remembered per repository. */
export const maxCommands = 1_000

/** Reads the own journal once. */
export async function readLeft(journal: TasksJournal, peerId: string): Promise<Left> {
  const left: Left = { watched: new Map(), commands: new Map(), retries: new Map() }
  const of = <T>(map: Map<string, T>, repo: string, make: () => T): T => {
    const key = repo.toLowerCase()
    const known = map.get(key) ?? make()
    map.set(key, known)
    return known
  }
  for await (const entry of journal.read({ agent: peerId, types: relevant })) {
    if (!('task' in entry)) continue
    const { repo, issue } = entry.task
    const watched = of(left.watched, repo, () => new Map<number, Watched>())
    if (entry.type === 'pull.opened') {
      const pull = { number: entry.number, url: entry.url }
      put(watched, newWatch({ issue, attempt: entry.attempt, pull }, false))
    } else if (entry.type === 'feedback.watching') {
      const pull = { number: entry.pull, url: entry.url }
      put(watched, newWatch({ issue, attempt: entry.attempt, pull }, true))
    } else if (entry.type === 'feedback.ended') {
      const one = watched.get(issue)
      if (one !== undefined) one.attempt = entry.attempt
    } else if (entry.type === 'feedback.command') {
      const commands = of(left.commands, repo, () => new Set<number>())
      commands.add(entry.comment)
      const [oldest] = commands
      if (commands.size > maxCommands && oldest !== undefined) commands.delete(oldest)
      const retries = of(left.retries, repo, () => new Map<number, Retry>())
      if (entry.command === 'retry' && entry.outcome === 'done')
        retries.set(
          issue,
          newest({ comment: entry.comment, attempt: entry.after ?? 0 }, retries.get(issue)),
        )
      if (entry.command === 'stop' && entry.outcome === 'done') retries.delete(issue)
    } else if (entry.type === 'task.merged' || entry.type === 'task.closed') watched.delete(issue)
  }
  return left
}
