/**
 * Keeping unfinished work: one atomic push moves [claim ref: my record → my renewed record, work branch:
 * seen → checkpoint], so that it renews the lease as well, and so that who was overtaken cannot push.
 *
 *   offered ──► journal: checkpoint.intent ──► push ──► moved: journal: checkpoint.pushed
 *                                               └─ not moved ──► a plain renewal tells what is true:
 *                                                    arrived after all · lost · try again later ·
 *                                                    refused: ever more rarely · the branch was
 *                                                    changed by somebody: none any more
 *
 * Nothing of it can end the work: what cannot be kept is said once, and the work goes on without.
 */
import { explain, sha256 } from '../../util/index.ts'
import { branchOf, short, taskOf, type Context, type Held } from '../context.ts'
import type { Kept, WorkCheckpoint } from '../needs.ts'
import { isDeleted, readBranch, refOf, tipOf } from './branch.ts'
import { encodeMessage } from './message.ts'

/**
 * Pushes in a row that the remote does not take while the claim can be renewed: then it seems to refuse
 * them, which is said once, and ever fewer are tried: after so many more, two, four … offers pass.
 */
const maxRefusals = 3
const maxDoublings = 6

export interface KeepInit {
  /** What the work branch held when the work began; null: there was none. */
  branchTip: string | null
  /** Commit that the work started from. */
  start: string
}

export function createKeep(
  context: Context,
  held: Held,
  { branchTip, start }: KeepInit,
): (checkpoint: WorkCheckpoint, signal: AbortSignal) => Promise<Kept> {
  const { job, lease } = held
  const { refs } = job.place
  const { logger, journal } = context
  const branch = branchOf(context, job)
  const ref = refOf(context, held)
  const about = { task: taskOf(job), attempt: job.attempt, branch }
  let refusals = 0
  /** Offers that pass untried. */
  let pass = 0
  let over = false

  async function say(reason: string): Promise<void> {
    await journal.append({ type: 'checkpoint.refused', ...about, reason: short(reason, 3_900) })
    logger.warn(
      { event: 'checkpoint.refused', ...taskOf(job), branch, reason },
      'unfinished work cannot be kept on the work branch; the work goes on without checkpoints',
    )
  }

  async function push(checkpoint: WorkCheckpoint, signal: AbortSignal): Promise<Kept> {
    const { gitDir, head: offered, files, bytes, digest, used, notes } = checkpoint
    const tip = tipOf(context, held, branchTip)
    await refs.adopt(gitDir, offered, signal)
    const message = encodeMessage(job.issue, { attempt: job.attempt, digest, used })
    const head = await refs.restack(offered, tip ?? start, message)
    await refs.drop(offered)
    const size = { files, bytes }
    const onPrepared = async (record: string) => {
      const more = { leftOut: notes.length, digestSha256: sha256(digest) }
      await journal.append({ type: 'checkpoint.intent', ...about, head, record, ...size, ...more })
    }
    const also = [{ ref, expected: tip, next: head }]
    if (lease.permit.frozen) return 'later'
    const proof = await lease.carry({ also, onPrepared }, signal)
    if (proof.is === 'closed' || proof.is === 'lost') return 'never'
    // Whether the claim still stands, and which of its records it holds, a plain renewal tells.
    const after = proof.is === 'held' ? proof : await lease.prove(signal)
    if (after.is === 'closed' || after.is === 'lost') return 'never'
    if (lease.tip(ref) === head) {
      refusals = 0
      const record = lease.claim.oid
      await journal.append({ type: 'checkpoint.pushed', ...about, head, record, ...size })
      return 'kept'
    }
    if (proof.is === 'held' || after.is === 'unknown') return 'later'
    const now = await readBranch(context, held, signal)
    const expected = tipOf(context, held, branchTip)
    if (await isDeleted(held, { tip: expected, now })) return 'later'
    if (now !== expected) {
      over = true
      await say(`${branch} was ${now === null ? 'deleted' : 'changed'} by someone else`)
      return 'never'
    }
    refusals += 1
    if (refusals === maxRefusals)
      await say(`GitHub does not take ${branch}: ${explain(proof.error)}`)
    pass = 2 ** Math.min(maxDoublings, Math.max(0, refusals - maxRefusals + 1)) - 1
    return 'later'
  }

  return async (checkpoint, signal) => {
    if (over || lease.lost.aborted) return 'never'
    if (lease.permit.frozen) return 'later'
    const { reason } = held.signal as { reason?: { why?: string } }
    if (held.signal.aborted && reason?.why === 'cancelled') return 'never'
    if (pass > 0 && checkpoint.why === 'timer') {
      pass -= 1
      return 'later'
    }
    try {
      return await push(checkpoint, signal)
    } catch (error) {
      logger.warn(
        { event: 'checkpoint.error', ...taskOf(job), err: explain(error) },
        'a checkpoint could not be kept yet',
      )
      return 'later'
    }
  }
}
