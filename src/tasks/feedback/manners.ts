/**
 * How much is answered in an hour: whoever may only write comments must not be able to make agents write
 * without end. What goes beyond is left without an answer; a command of somebody who may is obeyed all the
 * same.
 */
import { RecentMap, type Clock } from '../../util/index.ts'

const hourMs = 60 * 60_000
/** In an hour: reactions to one person who may not command, to all of them, and replies in words. */
export const mostAnswers = { stranger: 5, strangers: 30, replies: 60 } as const
const maxPeople = 1_000

export interface Manners {
  /** Whether a person who may not command gets one more reaction. */
  stranger(login: string): boolean
  /** Whether one more reply in words is written. */
  reply(): boolean
}

export function createManners(clock: Clock): Manners {
  const times = new RecentMap<string, number[]>(maxPeople)
  const recent = (key: string) =>
    (times.get(key) ?? []).filter((at) => clock.monotonic() - at < hourMs)
  /** Counts only when all of them have room. */
  const take = (...limits: readonly (readonly [key: string, most: number])[]) => {
    const fit = limits.every(([key, most]) => recent(key).length < most)
    if (fit) for (const [key] of limits) times.set(key, [...recent(key), clock.monotonic()])
    return fit
  }
  return {
    stranger: (login) =>
      take(
        ['strangers', mostAnswers.strangers],
        [`of ${login.toLowerCase()}`, mostAnswers.stranger],
      ),
    reply: () => take(['replies', mostAnswers.replies]),
  }
}
