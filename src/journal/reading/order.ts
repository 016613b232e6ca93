/**
 * In which order the entries of many journals stand, whatever their clocks say: a hybrid logical
 * clock (Kulkarni and others, 2014). Every entry carries `order`: the wall clock while that rises, and
 * at least one more than every entry, own or another's, that its author had read before. So an entry
 * never stands before one that its author knew, and journals are merged by a plain comparison. A
 * vector of all journals' heads would say the same of who knew what, at a size that grows with the mesh
 * and in every entry.
 *
 * What an author did not learn from a journal but on another way (an issue, a claim ref) is ordered by
 * clocks. They are compared with every announcement that a peer makes, and the order follows the
 * clock that is furthest ahead, so that slow clocks do not put effects before causes; what is left is
 * the time that an announcement travels, less than a claim needs over a forge.
 *
 * A member that lies can only push the order ahead, by `maxAheadMs` at most: everyone then counts on
 * from there, which still puts causes first. `time`, which `--since` asks for, is never touched.
 */

/** Steps of `order` within a millisecond: it holds until the year 2248 in a safe integer. */
export const stepsPerMs = 1_024
/** Order and clocks of others that are further ahead of the own clock are not followed. */
const maxAheadMs = 365 * 24 * 60 * 60_000

export interface OrderClock {
  /** Order of the next own entry; rises with every call. */
  next(nowMs: number): number
  /** An entry with that order was read. */
  observe(order: number, nowMs: number): void
  /** A peer said just now that its clock shows that time. */
  heard(peerNowMs: number, nowMs: number): void
}

export function createOrderClock(): OrderClock {
  let last = 0
  /** How far the clock furthest ahead is before the own, ms; at least 0. */
  let aheadMs = 0
  return {
    next(nowMs) {
      last = Math.max(last + 1, Math.floor((nowMs + aheadMs) * stepsPerMs))
      return last
    },
    observe(order, nowMs) {
      if (order > last && order <= (nowMs + maxAheadMs) * stepsPerMs) last = order
    },
    heard(peerNowMs, nowMs) {
      const ahead = peerNowMs - nowMs
      if (ahead > aheadMs && ahead <= maxAheadMs) aheadMs = ahead
    },
  }
}

/** Entries of peers that do not know `order` stand where their clock puts them. */
export function orderOf(entry: { order?: number | undefined; time: number }): number {
  return entry.order ?? entry.time * stepsPerMs
}
