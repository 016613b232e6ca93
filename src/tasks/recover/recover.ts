/**
 * After a restart: what the own journal says was begun and not ended, held against the claim ref,
 * and then against the issue, the work branch and the pull requests. Every combination:
 *
 * | newest own entry | the ref holds | and | outcome |
 * |---|---|---|---|
 * | none, or an end | nothing, or a closing record | | as for any other agent: intake |
 * | none (a new journal) | our held record | | as for any other agent: taken over after lease + margin |
 * | none (a new journal) | our done record | a pull request | nothing: it is final |
 * | none (a new journal) | our done record | no pull request | any agent opens it after lease + margin (`inherit.ts`) |
 * | tried | nothing, or what was there before | | lost: the claim never arrived |
 * | tried … executing | our held record | the issue is wanted | claimed anew at once with attempt + 1, by intake; the work goes on from the checkpoint on the branch, if there is one |
 * | checkpoint intent | our record before it | the push was not sent, or did not arrive | the same, from the checkpoint before |
 * | checkpoint intent | the record of the intent | the push arrived, its answer was lost | the same, from this checkpoint: branch and claim moved together |
 * | checkpoint intent | somebody else's, ours in its chain | taken over after the checkpoint | lost: claim and branch are theirs, who go on from it |
 * | tried … executing | our held record | closed, gone, unlabelled | closed as cancelled |
 * | tried … executing | our held record | marked as failed | closed as failed |
 * | finished, intent | our held record | the commit is here; the branch as it was, at a checkpoint, or already at the commit | published under the claim that stands |
 * | finished, intent | our held record | the commit is here; the branch moved elsewhere | failed: `BRANCH_MOVED` |
 * | finished, intent | our held record | the commit is gone, or the issue is not wanted | as tried … executing |
 * | intent, pushed, pull opened | the done record of the intent | a pull request for it | adopted |
 * | intent, pushed | the done record of the intent | the branch; the issue is wanted | the pull request is opened |
 * | intent, pushed | the done record of the intent | no branch, or the issue is not wanted | failed: `NOT_PUBLISHED` |
 * | won … executing | our done record | | lost: published without a trace here; an heir opens the pull request |
 * | anything | our released, yielded, handed, failed, cancelled record | own login on the issue or not | the missing last entry is written; the login is taken off |
 * | won, then tried again and lost | any of these | | as won: what the claim before had assigned is settled |
 * | won … pushed | somebody else's, ours in its chain | | lost: nothing of it is touched, also not the assignees |
 * | won … pushed | somebody else's, ours not in its chain; no record; nothing | | lost: the ref was tampered with; the own login is taken off (`attempt/forsake.ts`) |
 *
 * A checkpoint branch that a person deleted holds nothing to go on from: the work begins anew. One that a
 * person changed is built on, as any work branch is. Where the branch takes no checkpoints (a rule), there
 * are none, and a killed agent's issue begins anew.
 *
 * Leftover processes are in no row: the process room's sweep ends them before this runs, and the
 * home's lock says that the former process itself is gone. So nothing runs twice.
 */
import type { LoggedEntry } from '../../journal/index.ts'
import type { Tip } from '../claim/decide.ts'
import type { NamedIntent } from '../feedback/follow-ups.ts'
import type { TasksJournal } from '../needs.ts'

export interface Finished {
  branch: string
  base: string
  head: string
}

export interface Unfinished {
  repo: string
  issue: number
  attempt: number
  title: string
  /** The claim was won, so that the issue may be assigned to us. */
  won: boolean
  /** Every OID that this agent pushed, or may have pushed, for the attempt. */
  oids: Set<string>
  /** The commit is in the local store. */
  finished?: Finished
  intent?: Finished & { done: string; seq: number }
  /** The attempt is a round of feedback. */
  round?: { pull: number; number: number; keys: readonly string[] }
  /** Issues to be opened once the work is published. */
  named?: NamedIntent
  /** Wall clock of the claim, ms. */
  since: number
}

const relevant = [
  'claim.tried',
  'claim.won',
  'claim.renewed',
  'checkpoint.intent',
  'claim.lost',
  'claim.released',
  'work.finished',
  'publish.intent',
  'feedback.round',
  'feedback.named',
  'feedback.ended',
  'task.done',
  'task.failed',
  'task.cancelled',
] as const

/** Reads the own journal once. Bounded by the number of tasks that were ever unfinished at once. */
export async function findUnfinished(journal: TasksJournal, peerId: string): Promise<Unfinished[]> {
  const open = new Map<string, Unfinished>()
  for await (const entry of journal.read({ agent: peerId, types: relevant })) note(open, entry)
  return [...open.values()]
}

function note(open: Map<string, Unfinished>, entry: LoggedEntry): void {
  if (!('task' in entry) || !('attempt' in entry)) return
  const key = `${entry.task.repo.toLowerCase()}#${entry.task.issue}`
  const at = open.get(key)
  switch (entry.type) {
    case 'claim.tried':
      // A second crash may come before the next claim arrived: the records before it still count.
      open.set(key, {
        ...entry.task,
        attempt: entry.attempt,
        title: at?.title ?? '',
        won: at?.won ?? false,
        oids: new Set([...(at?.oids ?? []), entry.oid]),
        since: entry.time,
      })
      return
    case 'claim.won':
      if (at === undefined) return
      at.title = entry.title
      at.won = true
      return
    case 'claim.renewed':
      at?.oids.add(entry.oid)
      return
    case 'checkpoint.intent':
      at?.oids.add(entry.record)
      return
    case 'feedback.round':
      if (at !== undefined) at.round = { pull: entry.pull, number: entry.round, keys: entry.keys }
      return
    case 'feedback.named':
      if (at !== undefined) at.named = { nonce: entry.nonce, at: entry.time, issues: entry.issues }
      return
    case 'work.finished': {
      const { branch, base, head } = entry
      if (at !== undefined) at.finished = { branch, base, head }
      return
    }
    case 'publish.intent':
      if (at === undefined) return
      at.oids.add(entry.done)
      at.intent = {
        branch: entry.branch,
        base: entry.base,
        head: entry.head,
        done: entry.done,
        seq: entry.seq,
      }
      return
    case 'claim.lost':
      // An attempt whose fate was unknown may have arrived after all. Where only a new try at an own claim
      // was lost, what that claim had assigned is not settled.
      if (entry.reason.startsWith('unknown')) return
      if (entry.oid === undefined || at?.won !== true) open.delete(key)
      return
    default:
      open.delete(key)
  }
}

export type Recovery =
  /** Intake may claim it anew at once. */
  | { is: 'resume' }
  /** The work is finished, and the commit may still be in the local store. */
  | { is: 'deliver'; work: Finished }
  | { is: 'publish'; branch: string; head: string; done: string; seq: number }
  | { is: 'write'; entry: 'released' | 'failed' | 'cancelled'; reason: string }
  | { is: 'lost'; reason: string; winner?: string }

/** Pure: the table above. */
export function decideRecovery(task: Unfinished, tip: Tip, peerId: string): Recovery {
  if (tip.is === 'absent') {
    const reason = task.won ? 'the claim ref was deleted' : 'the claim never arrived'
    return { is: 'lost', reason }
  }
  if (tip.is === 'invalid') return { is: 'lost', reason: `the claim ref is unusable: ${tip.why}` }
  const { record, oid } = tip
  const ours = record.peerId === peerId && (record.attempt === task.attempt || task.oids.has(oid))
  if (!ours) {
    const arrived = record.attempt >= task.attempt
    return {
      is: 'lost',
      reason: arrived
        ? `${record.name} went on while this agent was away`
        : 'the claim never arrived',
      winner: oid,
    }
  }
  switch (record.state) {
    case 'held': {
      const work = task.intent ?? task.finished
      if (work === undefined) return { is: 'resume' }
      const { branch, base, head } = work
      return { is: 'deliver', work: { branch, base, head } }
    }
    case 'done':
      return task.intent === undefined
        ? { is: 'lost', reason: 'published without a trace in this journal', winner: oid }
        : {
            is: 'publish',
            branch: task.intent.branch,
            head: task.intent.head,
            done: task.intent.done,
            seq: task.intent.seq,
          }
    case 'handed':
      return { is: 'write', entry: 'released', reason: 'handed on before the restart' }
    case 'released':
    case 'yielded':
      return { is: 'write', entry: 'released', reason: 'handed back before the restart' }
    case 'failed':
      return { is: 'write', entry: 'failed', reason: 'failed before the restart' }
    case 'cancelled':
      return { is: 'write', entry: 'cancelled', reason: 'cancelled before the restart' }
  }
}
