/** What the work branch of a held task is taken to hold, and what may happen to it meanwhile. */
import { hasCode, sleep } from '../../util/index.ts'
import { branchOf, type Context, type Held } from '../context.ts'
import { belowCheckpoints } from './below.ts'

export const refOf = (context: Context, { job }: Held) => `refs/heads/${branchOf(context, job)}`

/** Listings that are asked for until one is new enough; the pause between them doubles, ms. */
const looks = 6
const firstPauseMs = 1_000

/**
 * What the work branch holds, and its commits in the local store. Since it moves only together with the
 * claim ref, a listing that shows our newest record is not older than the claim: a replica that lags is
 * asked again. Errors: `CLAIM_STALE` when it lags for longer, or when the claim is another's by now.
 */
export async function readBranch(
  context: Context,
  { job, lease }: Pick<Held, 'job' | 'lease'>,
  signal: AbortSignal,
): Promise<string | null> {
  const branch = branchOf(context, job)
  const { refs, claims } = job.place
  for (let turn = 1; ; turn += 1) {
    try {
      const witness = { ref: claims.refOf(job.issue.number), oid: lease.claim.oid }
      return (await refs.fetchBranches([branch], signal, witness)).get(branch) ?? null
    } catch (error) {
      if (turn === looks || !hasCode(error, 'CLAIM_STALE')) throw error
      await sleep(firstPauseMs * 2 ** (turn - 1), { signal, clock: context.clock })
    }
  }
}

/** Where this claim moved it last, else what it held when the work began; null: nothing. */
export function tipOf(context: Context, held: Held, branchTip: string | null): string | null {
  const tip = held.lease.tip(refOf(context, held)) ?? branchTip
  return tip === held.deleted ? null : tip
}

/**
 * Whether the branch may be made anew: somebody deleted it, and it held nothing but checkpoints, whose
 * files the work has. Remembers it in `held`.
 */
export async function isDeleted(
  held: Held,
  { tip, now }: { tip: string | null; now: string | null },
): Promise<boolean> {
  if (tip === null || now !== null) return false
  const { root } = await belowCheckpoints(held.job.place.refs, tip)
  if (root === tip) return false
  held.deleted = tip
  return true
}
