/** The work of an attempt: orders it, and writes down what happens while it runs. */
import type { EntryInput } from '../../journal/index.ts'
import { belowCheckpoints } from '../checkpoints/below.ts'
import { createKeep } from '../checkpoints/keep.ts'
import { short, taskOf, type Context, type Held, type Job } from '../context.ts'
import type { Used, WorkOutcome, WorkProgress } from '../needs.ts'

/** What the executor is shown beside the issue. */
function quotedOf({ round }: Job, { quoted }: { quoted?: { earlier: string } }) {
  if (round === undefined) return {}
  const feedback = round.items.map(({ text }) => text).join('\n\n----\n\n')
  return { quoted: { ...quoted, feedback } }
}

/** Resolves when the work has ended and everything it reported is in the journal. `only`: no executor runs. */
export async function execute(
  context: Context,
  held: Held,
  branchTip: string | null,
  only?: 'checks',
): Promise<WorkOutcome> {
  const { job, signal, lease } = held
  const { issue, place } = job
  const task = taskOf(job)
  let written: Promise<unknown> = Promise.resolve()
  const onEvent = (event: WorkProgress) => {
    written = written.then(() => record(context, job, event))
    written.catch(() => undefined)
  }
  const { from, source, ...known } = await startOf(context, held, branchTip)
  const order = {
    id: `${place.repo.replace(/[^\w.-]/g, '-')}-${issue.number}-${job.attempt}`,
    repo: place.repo,
    issue: { number: issue.number, title: issue.title, body: issue.body, labels: issue.labels },
    attempt: job.attempt,
    ...(only === undefined ? {} : { only }),
    source: {
      ...source,
      gitDir: place.refs.gitDir,
      baseBranch: place.info.defaultBranch,
      base: job.base,
    },
    policy: job.policy,
    ...known,
    ...quotedOf(job, known),
    author: { name: `${context.name} (bzzz)`, email: `${context.login}@users.noreply.github.com` },
  }
  const { permit } = lease
  const unwatch = noteFreezes(context, held, (entry) => {
    written = written.then(() => context.journal.append(entry))
    written.catch(() => undefined)
  })
  const { checkpointMs } = context.settings
  const checkpoints = {
    ...(checkpointMs === undefined ? {} : { checkpointMs }),
    // People look at the branch of a pull request: a round leaves nothing there but its result.
    ...(from === undefined || job.round !== undefined
      ? {}
      : { onCheckpoint: createKeep(context, held, { branchTip, start: from }) }),
  }
  const result = await context.work
    .run(order, job.instructions, { signal, permit, onEvent, ...checkpoints })
    .finally(unwatch)
  await written
  context.logger.info(
    { event: 'task.worked', ...task, outcome: result.outcome },
    'the work has ended',
  )
  return result
}

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

async function record(context: Context, job: Job, event: WorkProgress): Promise<void> {
  const about = { task: taskOf(job), attempt: job.attempt }
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
