/** How many requests a remote may make: a bucket that refills steadily, one for each remote. */
import { RecentMap, type Clock } from '../../util/index.ts'

/** At once. A push to a repository with many checks gives some hundred deliveries. */
const burst = 300
/** Per second, after that. */
const perSecond = 20
/** Remotes that are remembered; the one that was away longest goes first, and begins anew. */
const maxRemotes = 1_000

export interface Bucket {
  tokens: number
  /** Monotonic ms of the last look. */
  at: number
}

/** The bucket after one request, and whether the request may pass. Pure. */
export function take(bucket: Bucket | undefined, now: number): { bucket: Bucket; passes: boolean } {
  const refilled =
    bucket === undefined
      ? burst
      : Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond)
  const passes = refilled >= 1
  return { bucket: { tokens: passes ? refilled - 1 : refilled, at: now }, passes }
}

export function createBuckets(clock: Clock): (remote: string) => boolean {
  const buckets = new RecentMap<string, Bucket>(maxRemotes)
  return (remote) => {
    const { bucket, passes } = take(buckets.get(remote), clock.monotonic())
    buckets.set(remote, bucket)
    return passes
  }
}
