/** What each command in a comment does, and what is answered to it. */
import { isLeased } from '../claim/decide.ts'
import { short, stoppedLabel } from '../context.ts'
import type { Reaction, TalkComment } from '../github/review-calls.ts'
import { readRefs } from '../look/sightings.ts'
import type { TasksJournal } from '../needs.ts'
import { hear } from './answer.ts'
import type { Command } from './commands.ts'
import type { Rounds } from './history.ts'
import type { Parts, Where } from './parts.ts'
import { replies } from './replies.ts'
import type { Watched } from './watched.ts'

export interface Result {
  /** For the journal. */
  outcome: string
  reaction?: Reaction
  /** In words. Default: the reaction says enough, or something else does. */
  reply?: string
  /** Of the newest record, with a wish that it be tried anew. */
  attempt?: number
}

const done: Result = { outcome: 'done', reaction: 'rocket' }
/** To who may not command: no words, so that nobody can make agents talk. */
export const refused: Result = { outcome: 'ignored: its author may not triage', reaction: '-1' }

interface Commanded {
  comment: TalkComment
  command: Command
  past: Rounds
}

/** Its author may triage. */
export async function carryOut(
  parts: Parts,
  where: Where,
  { comment, command, past }: Commanded,
  signal: AbortSignal,
): Promise<Result> {
  const { floor, place, memory } = parts
  const { context } = floor
  const { repo } = place
  const { issue, number } = where
  const { id, author } = comment
  const why = `${author} wrote /bzzz ${command.is}`
  switch (command.is) {
    case 'retry':
      return retry(parts, issue, comment, signal)
    case 'stop':
      memory.retries.delete(issue)
      // Whoever works on it says that it was stopped, and by whom.
      if (floor.stop?.(repo, issue, { why: 'stop', reason: why, command: id }) === true) return done
      return stop(parts, issue, { author, why, past }, signal)
    case 'release':
      if (floor.stop?.(repo, issue, { why: 'release', reason: why, command: id }) === true)
        return done
      return { outcome: 'nobody holds it', reaction: 'confused', reply: replies.notHeld() }
    case 'ask': {
      const { question } = command
      const asked = { repo, issue, comment: id, from: author, question, number }
      await context.journal.append({
        type: 'feedback.asked',
        task: { repo, issue },
        comment: id,
        from: short(author),
        question: short(question, 3_900),
      })
      const reply = await context.onAsked?.(asked, signal)
      return { outcome: 'asked', reaction: 'eyes', reply: reply ?? replies.notYet() }
    }
    case 'unknown':
      return {
        outcome: 'not understood',
        reaction: 'confused',
        reply: replies.unknown(command.word),
      }
  }
}

async function retry(
  parts: Parts,
  issue: number,
  { id, author }: TalkComment,
  signal: AbortSignal,
): Promise<Result> {
  const { floor, place, memory, own, reviews } = parts
  const { settings, name, journal } = floor.context
  const { repo } = place
  const task = { repo, issue }
  const watched = own.watched.get(issue)
  const begun = await begunAfter(journal, task, id)
  if (begun === undefined && floor.isActive(repo, issue))
    return { outcome: 'it is worked already', reaction: 'eyes', reply: replies.worked(name) }
  if (watched !== undefined && settings.feedback?.maxRounds === 0)
    return { outcome: 'no rounds are made', reaction: 'confused', reply: replies.noRounds() }
  // Before a label goes: whichever attempt follows, of whomever, uses the wish up.
  await readRefs(floor, place, memory, [{ number: issue }], signal)
  const tip = memory.tips.get(issue)?.tip
  const record = tip?.is === 'record' ? tip.record : undefined
  // Whoever obeyed it before did not come to say so; the try that it led to was made, or is.
  if (begun !== undefined && (record?.attempt ?? 0) > begun) return { ...done, attempt: begun }
  if (record !== undefined && isLeased(record))
    return {
      outcome: 'it is worked already',
      reaction: 'eyes',
      reply: replies.worked(record.name),
    }
  const open = watched?.seen === undefined ? undefined : await hear(parts, watched, signal)
  const attempt = begun ?? record?.attempt ?? 0
  if (begun === undefined)
    await journal.append({
      type: 'feedback.retry',
      task,
      comment: id,
      from: short(author),
      after: attempt,
    })
  // With nothing to answer, the wish must not come back when the pull request is closed.
  if (open?.length !== 0) memory.retries.set(issue, { comment: id, attempt })
  for (const label of [settings.failed, stoppedLabel(settings)])
    await reviews.removeLabel(repo, issue, label, signal)
  if (watched === undefined) return { ...done, attempt }
  for (const label of [settings.feedback?.needsHuman ?? '', stoppedLabel(settings)])
    await reviews.removeLabel(repo, watched.pull.number, label, signal)
  watched.readAt = -Infinity
  return open?.length === 0 ? { ...done, reply: replies.nothingOpen() } : { ...done, attempt }
}

/** The newest attempt when somebody began to obey the comment, as far as the journals here tell. */
async function begunAfter(
  journal: Pick<TasksJournal, 'read'>,
  task: { repo: string; issue: number },
  comment: number,
): Promise<number | undefined> {
  let after: number | undefined
  for await (const entry of journal.read({ task, types: ['feedback.retry'] }))
    if (entry.type === 'feedback.retry' && entry.comment === comment)
      after = Math.min(after ?? Infinity, entry.after)
  return after
}

/** Nothing of this agent works on it: the label keeps everybody away. */
async function stop(
  { floor, place, own }: Parts,
  issue: number,
  { author, why, past }: { author: string; why: string; past: Rounds },
  signal: AbortSignal,
): Promise<Result> {
  const { github, journal, settings } = floor.context
  const { repo } = place
  const label = stoppedLabel(settings)
  const watched: Watched | undefined = own.watched.get(issue)
  await github.addLabel(repo, watched?.pull.number ?? issue, label, signal)
  if (watched !== undefined) {
    watched.readAt = -Infinity
    await journal.append({
      type: 'feedback.exhausted',
      task: { repo, issue },
      attempt: watched.attempt,
      pull: watched.pull.number,
      rounds: past.rounds,
      reason: short(why),
      ...(past.command === 0 ? {} : { command: past.command }),
    })
  }
  return { ...done, reply: replies.stopped(author, label) }
}
