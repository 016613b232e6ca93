/**
 * A holder that pushed its finished work and vanished before the pull request: its claim says done
 * and its branch is there, so nobody may work the issue again, and nobody would ever see the work.
 * Whoever has seen that record for its whole lease and more opens the pull request. GitHub refuses a
 * second one for the same branch, so several heirs do no harm; but each looks first whether there is
 * one, so they go one after another, a lease apart: most often the first has settled it, and the
 * issue is closed before the next would ask.
 *
 * What the holder had named to be opened, and which round of feedback it was at, is in its journal. Where
 * that is here, the heir opens it and says what was pushed, unless the holder is in the mesh again and does
 * so itself.
 */
import { explain, hasCode } from '../../util/index.ts'
import { marginMs } from '../intake/consider.ts'
import type { Tip } from '../claim/decide.ts'
import type { ClaimRecord } from '../claim/record.ts'
import { signatureOf, type Context, type Job, type RepoContext } from '../context.ts'
import { isPassing } from '../errors.ts'
import type { Candidate } from '../intake/intake.ts'
import type { Floor, RepoMemory } from '../look/floor.ts'
import type { Issue } from '../github/github.ts'
import { commentOnce } from '../attempt/comment-once.ts'
import { isFor, notePull } from '../attempt/pull.ts'
import { openNamed } from '../feedback/open-named.ts'
import { placeOf } from '../look/polling.ts'
import { findUnfinished } from './recover.ts'
import { roundOf, tellRoundAgain } from './rounds.ts'
import { claimLine, pullBody, pullTitle, unpublishedComment } from '../texts.ts'

/** Closing records that are remembered; more than one repository has open issues. */
const maxHeired = 10_000

/** Before what GitHub refused is tried again, ms. */
const againMs = 5 * 60_000

/** Longest wait for heirs in front, in leases: they may have said more than is true. */
const maxHeirs = 8

interface Heritage {
  issue: Issue
  /** Of the closing record. */
  oid: string
  record: ClaimRecord
}

/** What is settled beside the pull request, in `RepoMemory.heired`. */
const restOf = (oid: string) => `rest of ${oid}`

/** Place of this agent among those that could inherit, by rendezvous; 0 for the first. */
function placeAmong({ mesh }: Context, { repo }: RepoContext, issue: number): number {
  const serves = (one: Candidate) =>
    one.repositories.some((name) => name.toLowerCase() === repo.toLowerCase())
  const others = mesh.candidates().filter(serves)
  const { place } = placeOf(
    `${repo}#${issue}`,
    mesh.peerId,
    others.map(({ peerId }) => peerId),
  )
  return Math.min(place, maxHeirs)
}

/** The same in a turn, which goes on where GitHub refuses this one: it is tried again after a while. */
export async function inheritInTurn(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  at: { issue: Issue; tip: Tip },
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger } = floor.context
  const { number } = at.issue
  if ((memory.heirPauses.get(number) ?? -Infinity) > clock.monotonic()) return
  memory.heirPauses.delete(number)
  try {
    await inherit(floor, place, memory, at, signal)
  } catch (error) {
    if (signal.aborted || isPassing(error)) throw error
    memory.heirPauses.set(number, clock.monotonic() + againMs)
    const about = { event: 'task.inherit', repo: place.repo, issue: number }
    logger.warn(
      { ...about, err: explain(error) },
      'what a vanished agent left cannot be settled now',
    )
  }
}

export async function inherit(
  floor: Floor,
  place: RepoContext,
  memory: RepoMemory,
  { issue, tip }: { issue: Issue; tip: Tip },
  signal: AbortSignal,
): Promise<void> {
  const { context } = floor
  const { clock } = context
  if (tip.is !== 'record' || tip.record.state !== 'done') return
  if (memory.heired.has(tip.oid) && memory.heired.has(restOf(tip.oid))) return
  const seen = memory.sightings.get(issue.number)
  const heir = placeAmong(context, place, issue.number)
  const patience = tip.record.leaseMs * (1 + heir) + marginMs
  if (seen?.oid !== tip.oid || clock.monotonic() - seen.since < patience) return
  if (floor.isActive(place.repo, issue.number)) return
  const settled = (what: string) => {
    if (memory.heired.size > maxHeired) memory.heired.clear()
    memory.heired.add(what)
  }
  const { oid, record } = tip
  if (!memory.heired.has(oid)) {
    const isThere = await inheritPull(context, place, { issue, oid, record }, signal)
    // Whoever takes the label off again wants it tried again.
    if (!isThere) return void memory.heirPauses.set(issue.number, clock.monotonic() + againMs)
    settled(oid)
  }
  if (memory.heired.has(restOf(oid))) return
  const { mesh } = context
  const { peerId } = mesh
  const isHere = mesh.candidates().some((one) => one.peerId === record.peerId)
  if (isHere && record.peerId !== peerId) return
  // What this agent left itself, its recovery goes on with.
  if (record.peerId !== peerId) await inheritRest(context, place, { issue, oid, record }, signal)
  settled(restOf(oid))
}

/** What its journal, as far as it is here, says that it did not come to. */
async function inheritRest(
  context: Context,
  place: RepoContext,
  { issue, oid, record }: Heritage,
  signal: AbortSignal,
): Promise<void> {
  const { number } = issue
  const left = (await findUnfinished(context.journal, record.peerId)).find(
    (one) => one.repo.toLowerCase() === place.repo.toLowerCase() && one.issue === number,
  )
  if (left === undefined || left.attempt !== record.attempt) return
  const round = await roundOf(context, left, record.peerId)
  const head = left.intent?.head
  if (round === undefined || head === undefined) {
    const job = { place, issue, attempt: record.attempt } as Job
    return openNamed(context, job, left.named, { again: true, patient: false }, signal)
  }
  const summary = `${record.name} pushed this and vanished before it said so.`
  const again = { round, at: { head, done: oid }, summary, patient: false }
  await tellRoundAgain(context, place, left, again, signal)
}

/**
 * The pull request, if there is none of the branch, into whichever base: the default branch may have been
 * another one then. False: it cannot be had, and that is said on the issue, since nobody will come to it
 * any more.
 */
async function inheritPull(
  context: Context,
  place: RepoContext,
  { issue, oid, record }: Heritage,
  signal: AbortSignal,
): Promise<boolean> {
  const { github, settings, clock } = context
  const branch = `${settings.branchPrefix}${issue.number}`
  const base = place.info.defaultBranch
  const head = (await place.refs.fetchBranches([branch], signal)).get(branch)
  const found =
    (await github.findPull(place.repo, branch, base, signal)) ??
    (await github.findPull(place.repo, branch, undefined, signal))
  if (found !== undefined && (head === undefined || isFor(found, head))) return true
  const at = { issue, oid, record }
  if (head === undefined) {
    const why = `The branch ${branch}, to which ${record.name} had pushed, is not there any more.`
    await unpublished(context, place, at, { why }, signal)
    return false
  }
  const job = { place, issue, attempt: record.attempt } as Job
  const work = {
    outcome: 'changed' as const,
    gitDir: '',
    head,
    files: [],
    summary: `${record.name} finished this and vanished before it opened the pull request.`,
    checks: [],
    executor: record.name,
  }
  const body = pullBody(issue, work, await signatureOf(context, { job, lease: { claim: { oid } } }))
  try {
    const pull = await github.openPull(
      place.repo,
      { head: branch, base, title: pullTitle(issue), body },
      signal,
    )
    await notePull(context, { job, startedAt: clock.monotonic() }, { pull, adopted: false, head })
    return true
  } catch (error) {
    if (!hasCode(error, 'GITHUB_REFUSED')) throw error
    const first = await github.findPull(place.repo, branch, base, signal)
    if (first !== undefined && isFor(first, head)) return true
    const why = `GitHub does not take one of the branch ${branch}, to which ${record.name} has pushed: ${explain(error)}`
    await unpublished(context, place, at, { why, branch }, signal)
    return false
  }
}

/** Several heirs say it once: each looks for the words of the one before, and leaves a labelled issue alone. */
async function unpublished(
  context: Context,
  place: RepoContext,
  { issue, oid, record }: Heritage,
  { why, branch }: { why: string; branch?: string },
  signal: AbortSignal,
): Promise<void> {
  const { github, logger, settings } = context
  const { failed: label } = settings
  const about = { event: 'task.inherit', repo: place.repo, issue: issue.number }
  logger.warn({ ...about, why }, 'finished work of a vanished agent has no pull request')
  const job = { place, issue, attempt: record.attempt } as Job
  const by = await signatureOf(context, { job, lease: { claim: { oid } } })
  const said = { why, label, ...(branch === undefined ? {} : { branch }) }
  const body = unpublishedComment(said, by)
  const alike = (other: string) => other.trimEnd().endsWith(claimLine(oid))
  await commentOnce(context, job, { number: issue.number, body, alike }, signal)
  await github.addLabel(place.repo, issue.number, label, signal)
}
