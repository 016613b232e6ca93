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
import type { Candidate } from '../intake/intake.ts'
import type { Floor, RepoMemory } from '../look/floor.ts'
import type { Issue } from '../github/github.ts'
import { isFor, notePull } from '../attempt/pull.ts'
import { openNamed } from '../feedback/open-named.ts'
import { placeOf } from '../look/polling.ts'
import { findUnfinished } from './recover.ts'
import { roundOf, tellRoundAgain } from './rounds.ts'
import { pullBody, pullTitle } from '../texts.ts'

/** Closing records that are remembered; more than one repository has open issues. */
const maxHeired = 10_000

/** Longest wait for heirs in front, in leases: they may have said more than is true. */
const maxHeirs = 8

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
    await inheritPull(context, place, { issue, oid, record }, signal)
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
  { issue, oid, record }: { issue: Issue; oid: string; record: ClaimRecord },
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

/** The pull request, if there is none. */
async function inheritPull(
  context: Context,
  place: RepoContext,
  { issue, oid, record }: { issue: Issue; oid: string; record: ClaimRecord },
  signal: AbortSignal,
): Promise<void> {
  const { github, settings, clock } = context
  const branch = `${settings.branchPrefix}${issue.number}`
  const base = place.info.defaultBranch
  const head = (await place.refs.fetchBranches([branch], signal)).get(branch)
  const found = await github.findPull(place.repo, branch, base, signal)
  if (head === undefined || (found !== undefined && isFor(found, head))) return
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
  } catch (error) {
    // Another heir was first, or the branch holds nothing new.
    if (!hasCode(error, 'GITHUB_REFUSED')) throw error
    context.logger.info(
      { event: 'task.inherit', repo: place.repo, issue: issue.number, err: explain(error) },
      'the pull request of a vanished agent was not opened',
    )
  }
}
