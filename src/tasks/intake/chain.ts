/** What the chain of records below a tip tells of an issue's past. All agents read the same chain, so all conclude the same. */
import type { ClaimRecord } from '../claim/record.ts'
import type { RepoContext } from '../context.ts'

export interface Chain {
  /** Logins of all who held the claim, in lower case. */
  logins: readonly string[]
  /** Attempts that ended without a result, by the peer that made them. */
  failures: ReadonlyMap<string, number>
}

/** Records of the chain that are looked at: more than any issue has in a row. */
const maxChain = 100

/** From the local store, without network. */
export async function readChain(place: RepoContext, issue: number): Promise<Chain> {
  const raw = await place.refs.history(String(issue), maxChain)
  const tips = await Promise.all(raw.map((one) => place.claims.decode(place.repo, issue, one)))
  return chainOf(tips.flatMap((tip) => (tip.is === 'record' ? [tip.record] : [])))
}

/**
 * `records`: newest first. An attempt failed when its last record says so, when it was handed back
 * for the machine's fault (its strikes rose), or when it is still held while a newer one exists.
 */
export function chainOf(records: readonly ClaimRecord[]): Chain {
  const failures = new Map<string, number>()
  const attempts = Map.groupBy(records, ({ attempt }) => attempt)
  const newest = records[0]?.attempt
  for (const [attempt, own] of attempts) {
    const [last] = own
    const first = own.at(-1)
    if (last === undefined || first === undefined) continue
    const struck = last.strikes > first.strikes
    const left = last.state === 'held' && attempt !== newest
    if (last.state === 'failed' || struck || left)
      failures.set(last.peerId, (failures.get(last.peerId) ?? 0) + 1)
  }
  return { logins: [...new Set(records.map(({ login }) => login.toLowerCase()))], failures }
}
