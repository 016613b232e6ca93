/**
 * When nothing more was to be done by itself about a pull request: its rounds were used up, or a person
 * stopped it. A label says so to people; the journal says after which round it was. Taking the label off
 * means "go on": as many rounds as before, and what is open is open again, whatever was worked. Each time
 * takes a person, so it cannot go round and round by itself.
 */
import { maxRoundNumber } from '../claim/record.ts'
import { replicaMs } from '../look/sight.ts'
import type { TasksJournal } from '../needs.ts'

export interface Halt {
  /** Rounds that had ended by then. */
  rounds: number
  /** Wall clock of who wrote it, ms. */
  atMs: number
}

/** The newest one since a person last commanded something; `command`: id of that comment, 0: none. */
export async function lastHalt(
  journal: Pick<TasksJournal, 'read'>,
  of: { repo: string; issue: number; pull: number; command: number },
): Promise<Halt | undefined> {
  const { repo, issue, pull, command } = of
  let last: Halt | undefined
  for await (const entry of journal.read({
    task: { repo, issue },
    types: ['feedback.exhausted'],
  })) {
    if (entry.type !== 'feedback.exhausted' || entry.task.issue !== issue) continue
    if (entry.pull !== pull || (entry.command ?? 0) !== command) continue
    if (last === undefined || entry.time >= last.atMs)
      last = { rounds: entry.rounds, atMs: entry.time }
  }
  return last
}

export interface Granting {
  halt: Halt | undefined
  /** When the pull request was seen with the label last, wall clock, ms. */
  markSeenAt: number
  /** As of when it is known without the label, wall clock, ms. */
  seenAt: number
  /** Rounds that have ended. */
  rounds: number
  maxRounds: number
}

export interface Granted {
  /** The label was set a moment ago, or after what is known: that it is not seen says nothing. */
  halted: boolean
  /** Highest number of a round. */
  limit: number
  /** Nothing was made since a person took the label off: what was worked before counts as open. */
  again: boolean
}

/** What may be done about a pull request that is seen without the label. Pure. */
export function granted({ halt, markSeenAt, seenAt, rounds, maxRounds }: Granting): Granted {
  if (halt === undefined) return { halted: false, limit: maxRounds, again: false }
  const halted = markSeenAt < halt.atMs && seenAt - halt.atMs < replicaMs
  const limit = Math.min(maxRoundNumber, maxRounds + halt.rounds)
  return { halted, limit, again: !halted && rounds <= halt.rounds }
}
