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

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** "61 min behind 3 members". `offsetMs`: what they say less what the own clock says. */
export function describeClock({
  offsetMs,
  members,
}: {
  offsetMs: number
  members: number
}): string {
  const off = Math.abs(offsetMs)
  const amount = off < 3 * HOUR ? `${Math.round(off / MINUTE)} min` : `${Math.round(off / HOUR)} h`
  return `${amount} ${offsetMs > 0 ? 'behind' : 'ahead of'} ${members} members`
}
