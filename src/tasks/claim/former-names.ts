/**
 * Records that were signed under a former name of the repository: after a rename, or a transfer to another
 * owner, they still say who holds what. GitHub redirects a former name to the present one, until somebody
 * else takes it. Asked only for signed records, each name once a while, and few: a ref may hold anything.
 */
import { RecentMap, type Clock } from '../../util/index.ts'
import { slidingCount } from '../github/sliding.ts'

/** How long an answer counts, and over which time names are counted, ms. */
const lastsMs = 60 * 60_000
/** Names that are asked for in that time. */
export const maxNames = 20

const form = /^(?!\.{1,2}\/)[\w.-]{1,100}\/(?!\.{1,2}$)[\w.-]{1,100}$/

/**
 * `present`: full name as GitHub has it now. `nameNow`: that of any repository. What cannot be told, now or
 * because too many were asked for, is no former name for now.
 */
export function createFormerNames(
  present: string,
  nameNow: (name: string) => Promise<string>,
  clock: Pick<Clock, 'monotonic'>,
): (name: string) => Promise<boolean> {
  const known = new RecentMap<string, { is: Promise<boolean>; until: number }>(maxNames)
  const asked = slidingCount(lastsMs, clock)
  const same = (name: string) => name.toLowerCase() === present.toLowerCase()
  return async (name) => {
    if (same(name)) return true
    if (!form.test(name)) return false
    const key = name.toLowerCase()
    const found = known.get(key)
    if (found !== undefined && found.until > clock.monotonic()) return found.is
    if (asked.sum() >= maxNames) return false
    asked.add(1)
    const is = nameNow(name).then(same, () => false)
    known.set(key, { is, until: clock.monotonic() + lastsMs })
    return is
  }
}
