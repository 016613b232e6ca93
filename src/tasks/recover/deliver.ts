/** Finished work of an earlier run: publishes what was never sent, opens the pull request that is missing. */
import { explain, hasCode } from '../../util/index.ts'
import type { Tip } from '../claim/decide.ts'
import {
  short,
  signatureOf,
  stoppedLabel,
  taskOf,
  type Context,
  type Held,
  type Job,
  type RepoContext,
} from '../context.ts'
import type { Issue } from '../github/github.ts'
import { readBranch } from '../checkpoints/branch.ts'
import { createLease } from '../attempt/lease.ts'
import { publish } from '../attempt/publish.ts'
import { isFor, notePull, openPull } from '../attempt/pull.ts'
import { openNamed } from '../feedback/open-named.ts'
import { readChain } from '../intake/chain.ts'
import type { Finished, Recovery, Unfinished } from './recover.ts'
import { lateSummary, roundOf, tellRoundAgain } from './rounds.ts'
import { pullBody, pullTitle } from '../texts.ts'

export const aboutOf = (task: Unfinished) => ({
  task: { repo: task.repo, issue: task.issue },
  attempt: task.attempt,
})
export const has = (issue: Issue, label: string) =>
  issue.labels.some((other) => other.toLowerCase() === label.toLowerCase())

/** The issue, if it is open and labelled; undefined when it is gone or not wanted any more. */
export async function wantedIssue(
  context: Context,
  place: RepoContext,
  task: Unfinished,
  signal: AbortSignal,
): Promise<Issue | undefined> {
  const issue = await context.github
    .issue(place.repo, task.issue, signal)
    .catch((error: unknown) => {
      if (hasCode(error, 'GITHUB_NOT_FOUND')) return undefined
      throw error
    })
  return issue !== undefined && issue.open && has(issue, context.settings.trigger)
    ? issue
    : undefined
}

/** The work was finished and never sent: publishes it under the claim that still stands. */
export async function deliver(
  context: Context,
  place: RepoContext,
  {
    task,
    tip,
    work,
    issue,
  }: {
    task: Unfinished
    tip: Extract<Tip, { is: 'record' }>
    work: Finished
    issue: Issue
  },
  signal: AbortSignal,
): Promise<void> {
  const { settings, clock, logger } = context
  const { attempt, record } = { attempt: task.attempt, record: tip.record }
  const claim = {
    repo: task.repo,
    issue: task.issue,
    attempt,
    oid: tip.oid,
    record,
    confirmedAt: clock.monotonic(),
  }
  const { logins } = await readChain(place, task.issue)
  const round = await roundOf(context, task, context.mesh.peerId)
  const rules = {
    trigger: settings.trigger,
    failed: settings.failed,
    stopped: stoppedLabel(settings),
    requiredLabels: [],
    meshLogins: new Set([record.login.toLowerCase(), ...logins]),
  }
  const job: Job = {
    place,
    issue,
    instructions: {},
    rules,
    policy: { requiredLabels: [] },
    base: work.base,
    attempt,
    strikes: 0,
    previous: tip.oid,
    takeover: false,
    ...(round && { round }),
  }
  const lease = createLease(claim, {
    claims: place.claims,
    logger,
    clock,
    onRenewed: async () => undefined,
  })
  const held: Held = {
    job,
    lease,
    startedAt: startedAt(context, task),
    strikes: 0,
    publishing: true,
    signal,
  }
  const branchTip = await readBranch(context, held, signal)
  try {
    await lease.start()
    const { named } = task
    const init = { work: workOf(work.head, place.refs.gitDir), branchTip }
    await publish(context, held, { ...init, earlier: named ? { named } : {} }, signal)
  } finally {
    await lease.stop()
  }
}

/** The work is on the work branch: the pull request, or its entry, is missing, or what comes after it. */
export async function publishAgain(
  context: Context,
  place: RepoContext,
  task: Unfinished,
  at: Extract<Recovery, { is: 'publish' }>,
  signal: AbortSignal,
): Promise<void> {
  const { github, journal } = context
  const about = aboutOf(task)
  const round = await roundOf(context, task, context.mesh.peerId)
  if (round !== undefined) {
    const again = { round, at, summary: lateSummary, patient: true }
    const note = await tellRoundAgain(context, place, task, again, signal)
    return note()
  }
  const found = await github.findPull(place.repo, at.branch, place.info.defaultBranch, signal)
  const gone = async (reason: string) => {
    await journal.append({
      type: 'task.failed',
      ...about,
      code: 'NOT_PUBLISHED',
      reason: short(reason, 3_900),
      durationMs: 0,
    })
  }
  const issue = await wantedIssue(context, place, task, signal)
  const job = {
    place,
    attempt: task.attempt,
    issue: issue ?? { number: task.issue, title: task.title },
  } as Job
  const held = { job, startedAt: startedAt(context, task) }
  const { named } = task
  const afterwards = () => openNamed(context, job, named, { again: true, patient: true }, signal)
  if (found !== undefined && isFor(found, at.head))
    return notePull(context, held, { pull: found, adopted: true, head: at.head, afterwards })
  if (issue === undefined)
    return gone(
      'The work was pushed, and then the issue was closed before a pull request was opened.',
    )
  const signature = await signatureOf(context, { job, lease: { claim: { oid: at.done } } }, at.seq)
  const body = pullBody(issue, workOf(at.head, ''), signature)
  await openPull(
    context,
    held,
    { branch: at.branch, head: at.head, title: pullTitle(issue), body, afterwards },
    signal,
  ).catch((error: unknown) => {
    if (!hasCode(error, 'GITHUB_REFUSED') && !hasCode(error, 'GITHUB_NOT_FOUND')) throw error
    return gone(`GitHub does not take the pull request: ${explain(error)}`)
  })
  context.logger.info(
    { event: 'task.recover', ...taskOf(job) },
    'finished work of an earlier run was published',
  )
}

const startedAt = ({ clock }: Context, task: Unfinished) =>
  clock.monotonic() - Math.max(0, clock.now() - task.since)

const workOf = (head: string, gitDir: string) => ({
  outcome: 'changed' as const,
  gitDir,
  head,
  files: [],
  summary: lateSummary,
  checks: [],
  executor: 'before the restart',
})
