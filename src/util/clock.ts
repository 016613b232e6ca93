/**
 * Time as a dependency. Deadlines and leases use `monotonic()`, which no clock change moves;
 * `now()` is for stamps that people and other machines read. Tests pass a fake.
 */
export interface Clock {
  /** Wall clock, ms since 1970. May jump. */
  now(): number
  /** Milliseconds since an arbitrary point; never goes back; does not survive the process. */
  monotonic(): number
  /** Runs `callback` once after `ms`; returns a function that cancels it. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.max(0, ms))
    timer.unref()
    return () => clearTimeout(timer)
  },
}
