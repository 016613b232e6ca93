/** Who may push and who may triage, asked once in ten minutes for each person. */
import { RecentMap, type Clock } from '../../util/index.ts'
import type { GateCalls } from '../github/gate-calls.ts'
import type { ReviewCalls } from '../github/review-calls.ts'

export interface People {
  mayPush(repo: string, login: string, signal: AbortSignal): Promise<boolean>
  mayTriage(repo: string, login: string, signal: AbortSignal): Promise<boolean>
}

const lastsMs = 10 * 60_000
const maxPeople = 1_000

export function createPeople(
  calls: Pick<ReviewCalls, 'mayPush'> & Pick<GateCalls, 'mayTriage'>,
  clock: Clock,
): People {
  const known = new RecentMap<string, { until: number; may: boolean }>(maxPeople)
  const ask =
    (what: 'mayPush' | 'mayTriage') =>
    async (repo: string, login: string, signal: AbortSignal): Promise<boolean> => {
      if (login === '') return false
      const key = `${what} ${repo} ${login}`.toLowerCase()
      const old = known.get(key)
      if (old !== undefined && old.until > clock.monotonic()) return old.may
      const may = await calls[what](repo, login, signal)
      known.set(key, { may, until: clock.monotonic() + lastsMs })
      return may
    }
  return { mayPush: ask('mayPush'), mayTriage: ask('mayTriage') }
}
