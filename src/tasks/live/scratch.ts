/**
 * What the probe made, so that it is taken away again whatever happens. A thing is noted before the
 * call that makes it, because an answer may be lost. Removal has a deadline of its own and does not
 * care that the probe was stopped; what it cannot remove is named.
 */
import { explain, withDeadline } from '../../util/index.ts'

interface Made {
  what: string
  /** What a person types to remove it. */
  next: string
  /** Resolves when it is gone, also when it never was. */
  remove: (signal: AbortSignal) => Promise<void>
}

export interface Scratch {
  note(made: Made): void
  /** Newest first. Idempotent; returns what is left. */
  cleanUp(): Promise<{ what: string; next: string }[]>
}

/** Things noted; more than any probe makes. */
const maxMade = 200
/** For all of the clean-up, ms. */
const cleanUpMs = 60_000

export function createScratch(): Scratch {
  const made: Made[] = []
  return {
    note(one) {
      if (made.length >= maxMade) throw new RangeError('The probe makes too many things.')
      made.push(one)
    },
    async cleanUp() {
      const left: { what: string; next: string }[] = []
      const until = performance.now() + cleanUpMs
      for (const { what, next, remove } of made.splice(0).reverse()) {
        const ms = Math.max(1, Math.round(until - performance.now()))
        await withDeadline(`To remove ${what}`, ms, remove).catch((error: unknown) => {
          left.push({ what: `${what} (${explain(error)})`, next })
        })
      }
      return left
    },
  }
}
