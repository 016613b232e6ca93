/**
 * The work ended without a change that may be published. Before that counts as an end, other agents are
 * asked, up to three times for a task:
 *
 *   failed ──► ask ──► patch ──► applied to the work so far, collected and checked ──► changed
 *               ▲  │                └── unfit, refused by a guard, or checks fail ──┐
 *               │  ├──► advice ──► again: the executor works once more with it       │
 *               │  ├──► take-over ──► handed: the claim names the helper             │
 *               └──┴──◄── nobody: after a pause ◄────────────────────────────────────┘
 *               exhausted ──► failed, for a person
 *
 * What is handed to a helper is on the work branch first, where the branch takes it.
 */
import { allowed, explain, sleep, withoutLocalPaths } from '../../util/index.ts'
import { createKeep } from '../checkpoints/keep.ts'
import { belowCheckpoints } from '../checkpoints/below.ts'
import { readBranch } from '../checkpoints/branch.ts'
import { canTake } from '../intake/fitness.ts'
import { workOf } from '../intake/instructions.ts'
import { taskOf, type Context, type Held } from '../context.ts'
import type { FailedWork, PeerAnswer, WorkOutcome } from '../needs.ts'
import { verify } from '../attempt/execute.ts'
import type { Asking } from './desk.ts'
import { whenStuck } from './decide.ts'
import { exhaustedWork } from './texts.ts'

export type Rescue =
  /** Nobody was asked, or to no avail: it ends as it would have. */
  | { is: 'none' }
  | { is: 'failed'; work: FailedWork }
  | { is: 'changed'; work: Extract<WorkOutcome, { outcome: 'changed' }> }
  /** `held.advice` says more: the executor is to work once more. */
  | { is: 'again' }
  | { is: 'handed' }

export interface RescueInit {
  work: Extract<WorkOutcome, { outcome: 'failed' }>
  /** Commit that the work began from; null: the base. */
  start: string | null
  signal: AbortSignal
}

export async function rescue(
  context: Context,
  held: Held,
  { work, start: began, signal }: RescueInit,
): Promise<Rescue> {
  const { asking, job } = held
  if (asking === undefined) return { is: 'none' }
  const task = taskOf(job)
  const wanted = { repo: job.place.repo, needs: job.needs ?? [], work: workOf(job.instructions) }
  const stuck = () =>
    whenStuck({
      code: work.code,
      others: context.mesh.candidates().some((candidate) => canTake(candidate, wanted)),
      reachable: asking.desk.reachable(),
      left: asking.left(),
      isRound: job.round !== undefined,
      mayHandOver: asking.settings.handOver,
    })
  const first = stuck()
  if (first.is === 'no') return { is: 'none' }
  const tried = [...work.tried]
  const { code, reason, checks, executor } = work
  const by = executor === undefined ? {} : { executor }
  const shown = { outcome: 'failed' as const, code, reason, checks, ...by }
  const end = async (): Promise<Rescue> => ({
    is: 'failed',
    work: exhaustedWork({ ...shown, tried }, asking.desk.tried(task), asking.desk, task),
  })
  if (first.is === 'exhausted') return end()
  const start = await keepWhatIsLeft(context, held, { work, start: began, signal })
  for (;;) {
    await allowed(held.lease.permit, signal)
    const now = stuck()
    if (now.is === 'exhausted') return end()
    if (now.is === 'no') return { is: 'none' }
    const left = asking.left()
    const answer = await asking.ask(
      {
        question: work.question ?? work.reason,
        want: now.want,
        tried,
        checks: work.checks.filter(({ outcome }) => outcome !== 'passed'),
        ...(work.left === undefined ? {} : { left: work.left }),
      },
      signal,
    )
    switch (answer.is) {
      case 'advice':
        held.advice = answer
        return { is: 'again' }
      case 'handed-over':
        return { is: 'handed' }
      case 'patch': {
        const done = await tryPatch(context, held, { asking, answer, start, signal })
        if (done.is === 'changed') return done
        tried.push(`tried a patch of ${answer.helper}: ${done.reason}`)
        break
      }
      case 'nobody':
        tried.push(`asked other agents: ${answer.reason}`)
        if (!now.insist) return { is: 'none' }
        await sleep(asking.settings.pauseMs, { signal, clock: context.clock })
        break
      case 'exhausted':
        if (asking.left() < left) tried.push(`asked other agents: ${answer.reason}`)
        return end()
      case 'off':
        return { is: 'none' }
    }
  }
}

/** The commit that a helper's patch is for: the work so far, else what it began from. In the local store. */
async function keepWhatIsLeft(
  context: Context,
  held: Held,
  { work, start, signal }: RescueInit,
): Promise<string> {
  const { job } = held
  const { left } = work
  const from = start ?? job.base
  if (left === undefined) return from
  const { refs } = job.place
  const mayKeep = job.round === undefined && job.instructions.chore === undefined
  if (mayKeep && (await refs.isRelated(from, job.base))) {
    const keep = createKeep(context, held, { branchTip: start, start: from })
    await keep({ ...left, why: 'stop' }, signal)
  }
  // The workspace goes when the work is disposed of; the store keeps it while this agent runs.
  await refs.adopt(left.gitDir, left.head, signal)
  return left.head
}

interface PatchTrial {
  asking: Asking
  answer: Extract<PeerAnswer, { is: 'patch' }>
  start: string
  signal: AbortSignal
}

async function tryPatch(
  context: Context,
  held: Held,
  { asking, answer, start, signal }: PatchTrial,
): Promise<Extract<Rescue, { is: 'changed' }> | { is: 'refused'; reason: string }> {
  const { id, helper, peerId, patch, note } = answer
  const refuse = async (why: string) => {
    const reason = withoutLocalPaths(why)
    await asking.conclude(id, 'refused', reason)
    return { is: 'refused' as const, reason }
  }
  const { job } = held
  const { refs, patches } = job.place
  if (patches === undefined) return refuse('Patches cannot be applied here.')
  const applied = await patches.apply(start, patch, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    return { is: 'unfit' as const, reason: explain(error) }
  })
  if (applied.is === 'unfit') return refuse(applied.reason)
  const message = `Patch of ${helper.replace(/\s+/g, ' ')}\n`
  const resume = await refs.commitTree({ tree: applied.tree, parents: [start], message }, signal)
  const tip = await readBranch(context, held, signal)
  const isOurs = tip !== null && (await refs.isRelated(tip, job.base))
  const { root } = await belowCheckpoints(refs, isOurs ? tip : job.base)
  const { login } = asking.desk.who(peerId)
  const result = await verify(context, held, {
    resume,
    onto: root,
    by: `helper ${helper}`,
    summary: note,
    coAuthor: { name: helper, email: `${login ?? `${peerId}.bzzz`}@users.noreply.github.com` },
    signal,
  })
  if (result.outcome === 'changed') {
    await asking.conclude(id, 'used', 'It passes the checks.')
    return { is: 'changed', work: result }
  }
  await result.dispose()
  signal.throwIfAborted()
  return refuse(result.reason)
}
