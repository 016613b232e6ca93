/**
 * The claim goes on to another agent by one compare-and-swap: the record `handed` names it, is leased like
 * any other, and ends this holder's fence. Only the named agent may claim from it at once; to all others
 * it is held, so there is no moment in which a third could claim. If the named one never comes, it is
 * taken over after lease and margin like any claim whose holder is gone.
 *
 * The own assignment goes before, under the fence, as with every other end of a claim: should somebody delete
 * the claim ref before the named one comes, no chain would say any more that the login is an agent's.
 */
import { explain } from '../../util/index.ts'
import type { ClaimRecord } from '../claim/record.ts'
import { short, taskOf, tell, type Context, type Held, type Outcome } from '../context.ts'
import { TasksError } from '../errors.ts'
import { fence, noteLost } from './fence.ts'
import { unassignSelf } from './give-up.ts'

/** Hands the claim to the helper that said it would take over. Throws `CLAIM_UNKNOWN`. */
export async function handOn(
  context: Context,
  held: Held,
  { id, peerId }: NonNullable<Held['handTo']>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { incarnation } = held.asking?.desk.who(peerId) ?? {}
  const to = { peerId, ...(incarnation === undefined ? {} : { incarnation }) }
  const outcome = await handOver(context, held, to, signal)
  if (outcome === 'released') await held.asking?.conclude(id, 'used', 'The claim names the helper.')
  else await held.asking?.conclude(id, 'refused', 'The claim was lost before.')
  return outcome
}

async function handOver(
  context: Context,
  held: Held,
  to: NonNullable<ClaimRecord['to']>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { job, lease, strikes } = held
  if (!(await fence(context, held, signal))) return 'lost'
  await unassignSelf(context, held, signal)
  const moved = await lease.close({ state: 'handed', strikes, to }, signal)
  if (moved.is === 'lost') {
    await noteLost(context, held, 'fenced when it was to be handed on', moved.holder, signal)
    return 'lost'
  }
  if (moved.is === 'unknown' || moved.claim.record.state !== 'handed') {
    const why =
      moved.is === 'unknown' ? explain(moved.error) : `it says ${moved.claim.record.state}`
    throw new TasksError('CLAIM_UNKNOWN', `Whether the claim was handed on is not known: ${why}.`)
  }
  const { oid } = lease.claim
  await context.journal.append({
    type: 'claim.released',
    task: taskOf(job),
    attempt: job.attempt,
    oid,
    state: 'handed',
    reason: short(`${to.peerId} goes on with it`),
  })
  await tell(context, job, 'released', oid)
  return 'released'
}
