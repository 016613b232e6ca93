/** Every bound of the journal, with its reason. */
import type { JournalLimits } from './types.ts'

export const defaultLimits: JournalLimits = {
  /** About 20 MB of entries of 2 KB. */
  maxWaitingAppends: 10_000,
  /** Larger batches gain nothing (82,000/s in batches of 100). */
  maxBatch: 256,
  maxJournals: 1_000,
  /** An honest peer opens a new epoch after a loss, and when it starts where nobody can vouch for the old one. */
  maxJournalsPerPeer: 64,
  /** About 8 million entries of 300 bytes with what the store adds. */
  budgetBytes: 4 * 1024 ** 3,
  /** A journal grows by far less than a tenth of a sensible budget meanwhile. */
  budgetEveryMs: 5_000,
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
  /** Peers of a LAN are connected in 1 to 3 s. */
  witnessGraceMs: 5_000,
  askMs: 3_000,
  /** Longer than the grace and the opening of a store. */
  appendWaitMs: 20_000,
  maxHeads: 1_000,
  /** A store that is opened anew writes about 4 MiB. */
  reserveBytes: 8 * 1024 ** 2,
  lowBytes: 16 * 1024 ** 2,
  spaceCheckMs: 2_000,
}
