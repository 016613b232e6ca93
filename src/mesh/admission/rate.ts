/** How much of something one peer may do: so much at once after a quiet time, then so much per second. Pure. */
import { RecentMap } from '../../util/index.ts'

export interface Rate {
  burst: number
  perSecond: number
}

/** Of many, by name; the one asked for longest ago is forgotten, and begins anew. */
export class Rates {
  readonly #rate: Rate
  readonly #buckets: RecentMap<string, { left: number; at: number }>

  constructor(rate: Rate, limit: number) {
    this.#rate = rate
    this.#buckets = new RecentMap(limit)
  }

  /** What is left; `now`: monotonic ms. */
  left(name: string, now: number): number {
    const bucket = this.#buckets.get(name)
    const { burst, perSecond } = this.#rate
    if (bucket === undefined) return burst
    return Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond)
  }

  /** Uses one up if there is one. */
  take(name: string, now: number): boolean {
    const left = this.left(name, now)
    if (left < 1) return false
    this.#buckets.set(name, { left: left - 1, at: now })
    return true
  }
}
