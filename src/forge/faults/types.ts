/** Faults that a test asks the forge for. Off until a rule is added. */

/**
 * - `latency`: the answer waits.
 * - `error`: a 5xx instead of the answer, before the request was applied or after.
 * - `drop`: the connection is cut without an answer, before the request was applied or after.
 * - `stale`: a GET of issues or git data of a repository shows an answer that is at most `ms` old:
 *   the oldest such that somebody was given since the rule was added. Without one it is fresh.
 * - `secondary-limit`: 403 with GitHub's text and `retry-after`; nothing is applied.
 * - `primary-limit`: 403 with `x-ratelimit-remaining: 0`; nothing is applied.
 *
 * What meets a webhook on its way, and no request:
 * - `hook-frozen`: it is kept, and goes out once the rule is gone.
 * - `hook-lost`: it never goes out.
 * - `hook-doubled`: it goes out twice.
 * - `hook-late`: it goes out after `ms`.
 */
export type ForgeFault =
  | { kind: 'latency'; ms: number }
  /** `status` default 502. */
  | { kind: 'error'; when: 'before' | 'after'; status?: 500 | 502 | 503 | 504 }
  | { kind: 'drop'; when: 'before' | 'after' }
  | { kind: 'stale'; ms: number }
  /** Default 60 s. */
  | { kind: 'secondary-limit'; retryAfterS?: number; status?: 403 | 429 }
  /** Seconds until the limit is reset. Default 3,600. */
  | { kind: 'primary-limit'; resetS?: number }
  | { kind: 'hook-frozen' }
  | { kind: 'hook-lost' }
  | { kind: 'hook-doubled' }
  | { kind: 'hook-late'; ms: number }

export interface ForgeFaultRule {
  fault: ForgeFault
  /** Default: every method. */
  method?: string | readonly string[]
  /**
   * Matched against the decoded path without `/api/v3` and query: `/repos/octo/lib/git/refs` over
   * REST, `/octo/lib.git/git-receive-pack` for a push, `/repos/octo/lib/hooks/issues` for a
   * webhook with that event. A text must be equal. Default: every path.
   */
  path?: string | RegExp
  /** Share of the matching requests that it meets, 0 to 1. Default 1. */
  probability?: number
  /** Most requests that it meets. Default: no bound. */
  count?: number
  /** Matching requests that pass before it begins. Default 0. */
  skip?: number
}

export interface ForgeFaultHandle {
  /** Requests that it met. */
  readonly hits: number
  remove(): void
}

/**
 * The faults of one forge. Rules are asked in the order in which they were added; the latencies of
 * all that meet a request add up, and of the others the first one counts. Each rule draws once for
 * each request that it matches, from its own random numbers, so that the n-th matching request
 * meets the same fate in every run with the same seed and the same rules in the same order.
 */
export interface ForgeFaults {
  /** At most 100 rules. Errors: `FORGE_FAULT_INVALID` (data: field). */
  add(rule: ForgeFaultRule): ForgeFaultHandle
  /** Removes every rule. */
  clear(): void
  /** Begins the random numbers anew: for the rules added from now on. Default seed 1. */
  seed(seed: number): void
}
