/** What is said on a pull request when it needs a person, or when its next round has waited for long. */
import { commentOnce } from '../attempt/comment-once.ts'
import { short, signatureOf, type Job } from '../context.ts'
import type { Parts } from './parts.ts'
import type { Rounds } from './history.ts'
import type { Item } from './items.ts'
import { tellMs } from './handing-on.ts'
import { personComment, waitingComment } from './texts.ts'
import type { Watched } from './watched.ts'

/** Rounds that are told of. */
const maxTold = 20

export async function askPerson(
  { floor, place }: Parts,
  one: Watched,
  {
    reason,
    items,
    oid,
    past,
  }: { reason: string; items: readonly Item[]; oid: string; past: Rounds },
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  const { needsHuman = '' } = context.settings.feedback ?? {}
  const { repo } = place
  const job = { place, issue: { number: one.issue }, attempt: one.attempt } as Job
  const tried: string[] = []
  const { mesh, journal } = context
  const types = ['feedback.ended'] as const
  for await (const entry of journal.read({ task: { repo, issue: one.issue }, types })) {
    if (entry.type !== 'feedback.ended' || entry.pull !== one.pull.number) continue
    const why = entry.reason === '' ? '' : `: ${entry.reason}`
    tried.push(`round ${entry.round} of ${entry.agent}: ${entry.outcome}${why}`)
  }
  const signature = await signatureOf(context, { job, lease: { claim: { oid } } })
  const about = { reason, items, tried: tried.slice(-maxTold), label: needsHuman }
  const body = personComment(about, signature)
  await commentOnce(context, job, { number: one.pull.number, body }, signal)
  await context.github.addLabel(repo, one.pull.number, needsHuman, signal)
  one.readAt = -Infinity
  await context.journal.append({
    type: 'feedback.exhausted',
    task: { repo, issue: one.issue },
    attempt: one.attempt,
    pull: one.pull.number,
    rounds: past.rounds,
    reason: short(`${reason}, says ${mesh.peerId}`, 3_900),
    ...(past.command === 0 ? {} : { command: past.command }),
  })
}

/** The next round has waited, and nobody who is connected could begin it. */
export async function tellWaiting(
  { floor, place }: Parts,
  one: Watched,
  { why, oid, items }: { why: string; oid: string; items: readonly Item[] },
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  const job = { place, issue: { number: one.issue }, attempt: one.attempt } as Job
  const signature = await signatureOf(context, { job, lease: { claim: { oid } } })
  const body = waitingComment({ agent: context.name, why, items, waitedMs: tellMs }, signature)
  await commentOnce(context, job, { number: one.pull.number, body }, signal)
}
