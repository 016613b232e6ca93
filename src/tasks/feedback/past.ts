/** What the chain of claims tells of an issue's rounds. */
import type { ClaimRecord } from '../claim/record.ts'
import type { RepoContext } from '../context.ts'
import { roundsOf, type Rounds } from './history.ts'

const maxChain = 100

/** As it was read last. */
export async function pastOf({ place }: { place: RepoContext }, issue: number): Promise<Rounds> {
  const raw = await place.refs.history(String(issue), maxChain)
  const records: ClaimRecord[] = []
  for (const one of raw) {
    const tip = await place.claims.decode(place.repo, issue, one)
    if (tip.is === 'record') records.push(tip.record)
  }
  return roundsOf(records)
}
