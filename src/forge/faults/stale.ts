/**
 * Answers as a replica that lags would give them. While a stale rule stands, the bodies of reads
 * are kept for as long as a rule may ask for; it shows them to whoever may read the fresh one.
 */
import type { Clock } from '../../util/index.ts'

/** Addresses and, of each, answers that are kept. */
const ADDRESSES = 2_000
const ANSWERS = 50
/** Largest answer kept, bytes. */
const BYTES = 1024 * 1024

export interface OldAnswer {
  status: 200 | 404
  body: string
  link: string | null
}

export interface Replica {
  keep(address: string, answer: OldAnswer): void
  /** The oldest answer given in the last `ms`. */
  old(address: string, ms: number): OldAnswer | undefined
  clear(): void
}

/** Reads that lag: issues with what hangs on them, and git data. */
const LAGS = /^\/repos\/[^/]+\/[^/]+\/(issues|git|branches)(\/|$)/
export const lags = (path: string): boolean => LAGS.test(path)

export function replica(clock: Clock): Replica {
  const known = new Map<string, { at: number; answer: OldAnswer }[]>()
  return {
    keep: (address, answer) => {
      if (answer.body.length > BYTES) return
      const answers = known.get(address) ?? []
      if (answers.at(-1)?.answer.body === answer.body) return
      if (known.size >= ADDRESSES && !known.has(address)) known.clear()
      answers.push({ at: clock.monotonic(), answer })
      if (answers.length > ANSWERS) answers.shift()
      known.set(address, answers)
    },
    old: (address, ms) => {
      const since = clock.monotonic() - ms
      const answers = known.get(address) ?? []
      // What was shown until `since` was still the truth then.
      const from = answers.findLastIndex(({ at }) => at <= since)
      return answers[Math.max(0, from)]?.answer
    },
    clear: () => known.clear(),
  }
}
