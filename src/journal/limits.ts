/** Every bound of the journal, with its reason. */
import type { JournalLimits } from './types.ts'

export const defaultLimits: JournalLimits = {
  /** About 20 MB of entries of 2 KB. */
  maxWaitingAppends: 10_000,
  /** Larger batches gain nothing (82,000/s in batches of 100). */
  maxBatch: 256,
  maxJournals: 1_000,
  /** An honest peer opens a new epoch only after a loss. */
  maxJournalsPerPeer: 16,
  maxReplicaBytes: 1024 ** 3,
  /** Connections of the mesh (150) and some that are being replaced. */
  maxStreams: 200,
  streamIdleMs: 20_000,
  openTimeoutMs: 10_000,
  redialMs: 250,
  maxRedialMs: 30_000,
  maxRedials: 10,
  drainMs: 1_000,
  stopMs: 10_000,
  maxReadAhead: 1_024,
}
