/** Applies `recover.ts`: once per repository, before its first turn. */
import { explain } from '../util/index.ts'
import { short, taskOf, type Context, type Job, type RepoContext } from './context.ts'
import { decideRecovery, type Recovery, type Unfinished } from './recover.ts'
import { openPull } from './publish.ts'
import { pullBody, pullTitle } from './texts.ts'
import { signatureOf } from './context.ts'

/** Those that intake may claim anew, with every OID that this agent left behind. */
export async function resumeRepository(
  context: Context,
  place: RepoContext,
  unfinished: readonly Unfinished[],
  signal: AbortSignal,
): Promise<Set<string>> {
  const mine = unfinished.filter((task) => task.repo.toLowerCase() === place.repo.toLowerCase())
  const left = new Set<string>()
  if (mine.length === 0) return left
  const snapshot = await place.refs.snapshot(signal)
  for (const task of mine) {
    const tip = await place.claims.decode(place.repo, task.issue, snapshot.get(String(task.issue)))
    const decision = decideRecovery(task, tip, context.mesh.peerId)
    context.logger.info(
      { event: 'task.recover', repo: task.repo, issue: task.issue, decision: decision.is },
      'found an attempt of an earlier run',
    )
    if (decision.is === 'resume') {
      for (const oid of task.oids) left.add(oid)
      if (tip.is === 'record') left.add(tip.oid)
    }
    await apply(context, place, task, decision, tip.is === 'record' ? tip.oid : null, signal)
  }
  return left
}

async function apply(
  context: Context,
  place: RepoContext,
  task: Unfinished,
  decision: Recovery,
  previous: string | null,
  signal: AbortSignal,
): Promise<void> {
  const about = { task: { repo: task.repo, issue: task.issue }, attempt: task.attempt }
  switch (decision.is) {
    case 'resume': {
      // Not wanted any more: the ref is closed here, since intake will never look at it again.
      const issue = await context.github.issue(place.repo, task.issue, signal)
      const wanted =
        issue.open &&
        issue.labels.some((label) => label.toLowerCase() === context.settings.trigger.toLowerCase())
      if (wanted) return
      const prepared = await place.claims.prepare({
        ...about.task,
        attempt: task.attempt,
        strikes: 0,
        previous,
        state: 'cancelled',
      })
      const moved = await place.claims.move(prepared, [], signal)
      await context.journal.append({
        type: 'task.cancelled',
        ...about,
        reason: short(`not wanted any more after a restart (claim ref: ${moved.is})`),
      })
      return
    }
    case 'publish':
      await publishAgain(context, place, task, decision, signal)
      return
    case 'lost':
      await context.journal.append({
        type: 'claim.lost',
        ...about,
        reason: short(decision.reason),
        ...(decision.winner === undefined ? {} : { winner: decision.winner }),
      })
      return
    case 'write':
      if (decision.entry === 'released')
        await context.journal.append({
          type: 'claim.released',
          ...about,
          state: 'released',
          reason: decision.reason,
        })
      else if (decision.entry === 'cancelled')
        await context.journal.append({ type: 'task.cancelled', ...about, reason: decision.reason })
      else
        await context.journal.append({
          type: 'task.failed',
          ...about,
          code: 'RECOVERED',
          reason: decision.reason,
          durationMs: 0,
        })
  }
}

/** The work is on the work branch: only the pull request, or its entry, is missing. */
async function publishAgain(
  context: Context,
  place: RepoContext,
  task: Unfinished,
  at: Extract<Recovery, { is: 'publish' }>,
  signal: AbortSignal,
): Promise<void> {
  const issue = await context.github.issue(place.repo, task.issue, signal)
  const job = { place, issue, attempt: task.attempt } as Job
  const found = await context.github.findPull(
    place.repo,
    at.branch,
    place.info.defaultBranch,
    signal,
  )
  if (found !== undefined) {
    const entry = { task: taskOf(job), attempt: task.attempt }
    await context.journal.append({
      type: 'pull.opened',
      ...entry,
      number: found.number,
      url: short(found.url),
      head: at.head,
      adopted: true,
    })
    await context.journal.append({
      type: 'task.done',
      ...entry,
      pull: found.number,
      durationMs: Math.max(0, context.clock.now() - task.since),
    })
    return
  }
  const startedAt = context.clock.monotonic() - Math.max(0, context.clock.now() - task.since)
  const work = {
    outcome: 'changed' as const,
    gitDir: '',
    head: at.head,
    files: [],
    summary: 'Published after a restart of the agent.',
    checks: [],
    executor: 'before the restart',
  }
  const body = pullBody(issue, work, signatureOf(context, job, at.seq))
  await openPull(
    context,
    { job, startedAt },
    { branch: at.branch, head: at.head, title: pullTitle(issue), body },
    signal,
  ).catch((error: unknown) => {
    context.logger.error(
      { event: 'task.recover', ...taskOf(job), err: explain(error) },
      'the pull request of finished work could not be opened',
    )
    throw error
  })
}
