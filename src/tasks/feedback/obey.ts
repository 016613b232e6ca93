/**
 * Commands in comments on issues and pull requests. The forge's own count of comments tells where there
 * are new ones, so that nothing is read while nobody says anything. Who acts: the holder, the owner
 * of the pull request, or the first by rendezvous where there is neither.
 *
 * A comment is obeyed once. Its id is in the journal of who obeyed it, in the claim record that it led to, and
 * that agent's login reacted on it: of these the journals tell also who never claimed, and outlive who left. Who
 * works on the issue takes no peer's word that it was told to stop. Each effect can be made twice without harm,
 * so a crash between effect and reaction only repeats it. A retry is in the journal before its label goes: who goes on
 * with it then knows which attempt it was to lead to. Every command is answered: by a reaction, and in words
 * where nothing else shows what came of it. Strangers get a reaction only, and not many (`manners.ts`).
 *
 * Nothing that agents write begins with a command, so a command under an agent's login is by the person
 * whose account it is. Programs are not listened to.
 */
import { explain, hasCode } from '../../util/index.ts'
import { short } from '../context.ts'
import type { TalkComment } from '../github/review-calls.ts'
import { readRefs } from '../look/sightings.ts'
import type { Parts, Where } from './parts.ts'
import { carryOut, refused, type Result } from './carry-out.ts'
import { parseCommand, type Command } from './commands.ts'
import { placeFor } from './heirs.ts'
import { pastOf } from './past.ts'
import { isAnswered, replyTo } from './replies.ts'
import { maxCommands } from './watched.ts'

/** Older commands are not obeyed by who comes new, ms. */
const longAgoMs = 7 * 24 * 60 * 60_000
/** Between those who may obey where nobody holds the issue, ms. */
const stepMs = 30_000
/** Before what GitHub refused to show is asked for again, ms. */
const againMs = 5 * 60_000
/** Those further behind do not look at all. */
const lastPlace = 2

export async function obeyComments(parts: Parts, signal: AbortSignal): Promise<void> {
  const { memory, own, floor } = parts
  const issues = [...memory.issues.values()].map(({ issue }) => ({
    number: issue.number,
    issue: issue.number,
    count: issue.comments ?? 0,
  }))
  const pulls = [...own.watched.values()].flatMap(({ issue, pull, seen }) =>
    seen === undefined ? [] : [{ number: pull.number, issue, count: seen.pull.comments }],
  )
  for (const where of [...issues, ...pulls]) {
    if ((own.talk.counts.get(where.number) ?? 0) >= where.count) continue
    const at = turnOf(parts, where)
    if (at === undefined) continue
    const now = floor.context.clock.monotonic()
    const due = own.talk.due.get(where.number) ?? now + at * stepMs
    own.talk.due.set(where.number, due)
    if (now < due) continue
    let left = false
    try {
      left = (await readWhere(parts, where, signal)) === 'left'
    } catch (error) {
      if (!hasCode(error, 'GITHUB_ANSWER') && !final.some((code) => hasCode(error, code)))
        throw error
      // What is said elsewhere does not wait for it.
      own.talk.due.set(where.number, now + againMs)
      const about = { event: 'feedback.read', repo: parts.place.repo, number: where.number }
      floor.context.logger.warn({ ...about, err: explain(error) }, 'comments could not be read')
      continue
    }
    own.talk.due.delete(where.number)
    // Who is to look knows of it; if that agent goes, this one reads it then.
    if (left) continue
    own.talk.counts.set(where.number, where.count)
  }
}

/** 0: this agent is to look at once; undefined: others do. */
function turnOf({ floor, place, memory, own }: Parts, { issue }: Where): number | undefined {
  if (floor.isActive(place.repo, issue)) return 0
  const tip = memory.tips.get(issue)?.tip
  const peerId = tip?.is === 'record' && tip.record.state !== 'failed' ? tip.record.peerId : ''
  const isSelf = peerId === floor.context.mesh.peerId
  const ends = tip?.is === 'record' && (tip.record.state === 'held' || tip.record.state === 'done')
  if (ends && isSelf) return 0
  const here = floor.context.mesh.candidates().some((other) => other.peerId === peerId)
  if (ends && here) return undefined
  if (own.watched.has(issue)) return 0
  const at = placeFor(floor, place, issue)
  return at > lastPlace ? undefined : at
}

/** `left`: the claim ref says that another agent is to act. */
type Seen = 'read' | 'left'

async function readWhere(parts: Parts, where: Where, signal: AbortSignal): Promise<Seen> {
  const { own, floor, place, reviews } = parts
  const { talk } = own
  const { clock } = floor.context
  const first = new Date(clock.now() - longAgoMs).toISOString()
  const since = talk.since.get(where.number) ?? first
  const comments = await reviews.talk(place.repo, where.number, since, signal)
  for (const comment of comments) {
    const command = talk.handled.has(comment.id) ? undefined : parseCommand(comment.body)
    if (command !== undefined && comment.createdAt >= first) {
      const bodies = comments.map(({ body }) => body)
      const seen = await consider(parts, where, { comment, command, bodies }, signal)
      if (seen === 'left') return seen
    }
    if (comment.createdAt > (talk.since.get(where.number) ?? ''))
      talk.since.set(where.number, comment.createdAt)
  }
  return 'read'
}

interface Told {
  comment: TalkComment
  command: Command
  /** Of it and of what was said since. */
  bodies: readonly string[]
}

async function consider(
  parts: Parts,
  where: Where,
  { comment, command, bodies }: Told,
  signal: AbortSignal,
): Promise<Seen> {
  const { own, floor, place, memory, reviews, people } = parts
  const { context } = floor
  const { repo } = place
  const { manners, handled } = own.talk
  // Who has obeyed before is told by the chain of claims, and that must be known.
  await readRefs(floor, place, memory, [{ number: where.issue }], signal)
  if (turnOf(parts, where) === undefined) return 'left'
  const past = await pastOf(parts, where.issue)
  const isOurs = floor.isActive(repo, where.issue)
  const agents = new Set([context.login.toLowerCase(), ...past.logins])
  if (!isOurs)
    for (const { login } of context.mesh.candidates())
      if (login !== undefined) agents.add(login.toLowerCase())
  const remember = (): Seen => {
    handled.add(comment.id)
    const [oldest] = handled
    if (handled.size > maxCommands && oldest !== undefined) handled.delete(oldest)
    return 'read'
  }
  if (comment.bot || comment.id <= past.command) return remember()
  if (comment.reactions > 0) {
    const reacted = await reviews.reactors(repo, comment.id, signal)
    if (reacted.some((login) => agents.has(login.toLowerCase()))) return remember()
  }
  if (!isOurs && (await isNoted(parts, where, comment.id))) return remember()
  const trusted = await people.mayTriage(repo, comment.author, signal)
  if (!trusted && !manners.stranger(comment.author)) return remember()
  const result: Result = trusted
    ? await carryOut(parts, where, { comment, command, past }, signal)
    : refused
  const { reply, reaction } = result
  if (reply !== undefined && !isAnswered(comment.id, bodies) && manners.reply()) {
    const body = replyTo(comment.id, context.name, reply)
    await said(parts, () => context.github.comment(repo, where.number, body, signal))
  }
  if (reaction !== undefined)
    await said(parts, () => reviews.react(repo, comment.id, reaction, signal))
  remember()
  await context.journal.append({
    type: 'feedback.command',
    task: { repo, issue: where.issue },
    comment: comment.id,
    from: short(comment.author),
    command: command.is,
    outcome: short(result.outcome),
    ...(result.attempt === undefined ? {} : { after: result.attempt }),
  })
  return 'read'
}

/** Whether somebody's journal says what was made of the comment. */
async function isNoted({ floor, place }: Parts, where: Where, comment: number): Promise<boolean> {
  const task = { repo: place.repo, issue: where.issue }
  const about = { task, types: ['feedback.command'] as const }
  for await (const entry of floor.context.journal.read(about))
    if (entry.type === 'feedback.command' && entry.comment === comment) return true
  return false
}

const final = ['GITHUB_FORBIDDEN', 'GITHUB_NOT_FOUND', 'GITHUB_REFUSED'] as const

/** What GitHub will never take (a locked conversation, a deleted comment) must not hold up what comes after. */
async function said({ floor, place }: Parts, step: () => Promise<unknown>): Promise<void> {
  try {
    await step()
  } catch (error) {
    if (!final.some((code) => hasCode(error, code))) throw error
    floor.context.logger.warn(
      { event: 'feedback.reply', repo: place.repo, err: explain(error) },
      'a comment could not be answered',
    )
  }
}
