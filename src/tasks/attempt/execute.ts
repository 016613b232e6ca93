/** The work of an attempt: orders it, and writes down what happens while it runs. */
import type { EntryInput } from '../../journal/index.ts'
import { belowCheckpoints } from '../checkpoints/below.ts'
import { createKeep } from '../checkpoints/keep.ts'
import { short, taskOf, type Context, type Held, type Job } from '../context.ts'
import type { Used, WorkOutcome, WorkProgress } from '../needs.ts'

/** What the executor is shown beside the issue. */
function quotedOf({ job: { round }, advice }: Held, { quoted }: { quoted?: { earlier: string } }) {
  const feedback = round?.items.map(({ text }) => text).join('\n\n----\n\n')
  const more = {
    ...(feedback === undefined ? {} : { feedback }),
    ...(advice === undefined ? {} : { advice: `${advice.helper} says:\n\n${advice.text}` }),
  }
  return Object.keys(more).length === 0 ? {} : { quoted: { ...quoted, ...more } }
}

const orderIdOf = ({ place, issue, attempt }: Job, more = '') =>
  `${place.repo.replace(/[^\w.-]/g, '-')}-${issue.number}-${attempt}${more}`

/** The part of an order that is the same for all of an attempt. */
const orderOf = (context: Context, job: Job) => ({
  repo: job.place.repo,
  issue: {
    number: job.issue.number,
    title: job.issue.title,
    body: job.issue.body,
    labels: job.issue.labels,
  },
  attempt: job.attempt,
  policy: job.policy,
  author: { name: `${context.name} (bzzz)`, email: `${context.login}@users.noreply.github.com` },
})

export interface VerifyInit {
  /** Commit that is checked. */
  resume: string
  /** Commit that the result is built on. */
  onto: string
  /** Who it is from. */
  by: string
  summary: string
  coAuthor: { name: string; email: string }
  signal: AbortSignal
}

/** What another agent made: collected and checked as the work of an executor is, and then it is this one's. */
export async function verify(
  context: Context,
  { job, lease }: Held,
  { resume, onto, by, summary, coAuthor, signal }: VerifyInit,
): Promise<WorkOutcome> {
  const written = writing(context, job)
  const { gitDir } = job.place.refs
  const order = {
    ...orderOf(context, job),
    id: orderIdOf(job, '-patch'),
    source: { gitDir, baseBranch: job.place.info.defaultBranch, base: job.base, resume, onto },
    coAuthors: [coAuthor],
    verify: { by, summary },
  }
  const options = { signal, permit: lease.permit, onEvent: written.note }
  const result = await context.work.run(order, {}, options)
  await written.all()
  return result
}

/** Writes what happens while something runs, in order. */
function writing(context: Context, job: Job) {
  let written: Promise<unknown> = Promise.resolve()
  const then = (step: () => Promise<unknown>) => {
    written = written.then(step)
    written.catch(() => undefined)
  }
  const about = { task: taskOf(job), attempt: job.attempt }
  return {
    note: (event: WorkProgress) => then(() => recordProgress(context, about, event)),
    append: (entry: EntryInput) => then(() => context.journal.append(entry)),
    all: () => written,
  }
}

/** Resolves when the work has ended and everything it reported is in the journal. `only`: no executor runs. */
export async function execute(
  context: Context,
  held: Held,
  branchTip: string | null,
  only?: 'checks',
): Promise<WorkOutcome> {
  const { job, signal, lease } = held
  const { place } = job
  const task = taskOf(job)
  const written = writing(context, job)
  const { from, source, ...known } = await startOf(context, held, branchTip)
  const order = {
    ...orderOf(context, job),
    id: orderIdOf(job),
    ...(only === undefined ? {} : { only }),
    source: {
      ...source,
      gitDir: place.refs.gitDir,
      baseBranch: place.info.defaultBranch,
      base: job.base,
    },
    ...known,
    ...quotedOf(held, known),
  }
  const { permit } = lease
  const unwatch = noteFreezes(context, held, written.append)
  const { checkpointMs } = context.settings
  const checkpoints = {
    ...(checkpointMs === undefined ? {} : { checkpointMs }),
    // People look at the branch of a pull request: a round leaves nothing there but its result.
    ...(from === undefined || job.round !== undefined
      ? {}
      : { onCheckpoint: createKeep(context, held, { branchTip, start: from }) }),
  }
  const peers = held.asking === undefined ? {} : { peers: held.asking }
  const options = { signal, permit, onEvent: written.note, ...checkpoints, ...peers }
  const result = await context.work.run(order, job.instructions, options).finally(unwatch)
  await written.all()
  await concludeAdvice(held, result)
  context.logger.info(
    { event: 'task.worked', ...task, outcome: endOf(result.outcome, signal) },
    'the work has ended',
  )
  return result
}

/** Work that was called off has not failed by itself. */
const endOf = (outcome: WorkOutcome['outcome'], { aborted }: AbortSignal) =>
  aborted && outcome === 'failed' ? 'stopped' : outcome

/**
 * Commits of an earlier attempt are built on, when they belong to this repository's history; checkpoints
 * of it give way to the finished work. A chore begins anew: half of one is nothing to go on from. Without
 * `from` the branch holds what cannot be built on, so nothing can be kept there.
 */
async function startOf(
  context: Context,
  { job }: Held,
  branchTip: string | null,
): Promise<{
  from?: string
  source: { resume?: string; onto?: string }
  quoted?: { earlier: string }
  used?: Used
}> {
  const { refs } = job.place
  if (branchTip === null) return { from: job.base, source: {} }
  if (!(await refs.isRelated(branchTip, job.base))) return { source: {} }
  const { root, note } = await belowCheckpoints(refs, branchTip)
  if (note === undefined) return { from: branchTip, source: { resume: branchTip } }
  if (job.instructions.chore !== undefined) {
    const within = await refs.isAncestor(root, job.base)
    return within ? { from: job.base, source: {} } : { from: root, source: { resume: root } }
  }
  context.logger.info(
    { event: 'task.resume', ...taskOf(job), checkpoint: branchTip, attempt: note.attempt },
    'going on from a checkpoint of an earlier attempt',
  )
  return {
    from: branchTip,
    source: { resume: branchTip, onto: root },
    used: note.used,
    ...(note.digest === '' ? {} : { quoted: { earlier: note.digest } }),
  }
}

/** Reports each freeze and its end; returns what ends that. */
function noteFreezes(
  { clock }: Context,
  { job, lease }: Held,
  note: (entry: EntryInput) => void,
): () => void {
  const about = { task: taskOf(job), attempt: job.attempt }
  const { permit } = lease
  let since: number | undefined
  const look = () => {
    if (permit.frozen === (since !== undefined)) return
    if (since === undefined) {
      since = clock.monotonic()
      const renewed = clock.now() - (since - lease.claim.confirmedAt)
      note({ type: 'executor.frozen', ...about, renewed: Math.max(0, Math.round(renewed)) })
    } else {
      note({
        type: 'executor.resumed',
        ...about,
        frozenMs: Math.round(clock.monotonic() - since),
      })
      since = undefined
    }
  }
  const unwatch = permit.watch(look)
  look()
  return unwatch
}

/** The advice that the executor worked with was of use, or was not. */
async function concludeAdvice(held: Held, result: WorkOutcome): Promise<void> {
  const { advice, asking } = held
  if (advice === undefined) return
  delete held.advice
  if (advice.id === undefined) return
  const isUsed = result.outcome === 'changed'
  const reason = isUsed
    ? 'The work was finished with it.'
    : `The work failed with it: ${result.reason}`
  await asking?.conclude(advice.id, isUsed ? 'used' : 'refused', reason)
}

/** As it stands in the journal of who runs the executor. */
export async function recordProgress(
  context: Pick<Context, 'journal'>,
  about: { task: { repo: string; issue: number }; attempt: number },
  event: WorkProgress,
): Promise<void> {
  switch (event.type) {
    case 'progress':
      return
    case 'check.run': {
      const { name, outcome, exitCode, durationMs, outputSha256 } = event.result
      const code = exitCode === undefined ? {} : { exitCode }
      await context.journal.append({
        type: 'check.run',
        ...about,
        name: short(name),
        outcome,
        ...code,
        durationMs: Math.round(durationMs),
        outputSha256,
      })
      return
    }
    case 'executor.network': {
      await context.journal.append({ type: event.type, ...about, ...event.report })
      return
    }
    case 'executor.ended': {
      await context.journal.append({
        ...event,
        ...about,
        outcome: short(event.outcome),
        durationMs: Math.round(event.durationMs),
      })
      return
    }
    case 'executor.asked':
    case 'executor.permission':
    case 'executor.activity':
    case 'executor.session':
    case 'executor.started':
    case 'executor.output':
      await context.journal.append({ ...event, ...about })
  }
}
