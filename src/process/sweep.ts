/**
 * Ends what a dead owner left behind. A group is touched only while its leader is the very process
 * of the record (same pid, start and boot); everything else is found by its mark.
 */
import { bootId, hasProc, processRow } from './proc-fs.ts'
import { reap } from './reap.ts'
import type { ProcessRecord, ProcessTable } from './table.ts'

export interface Sweeping {
  table: ProcessTable
  /** Of the dead owners. */
  records: readonly ProcessRecord[]
  owners: readonly string[]
  graceMs: number
  /** Groups may be ended though nothing can prove that they are ours: right after the owner's death. */
  trustGroups?: boolean
}

/** Whether the owner of a record still runs. Without /proc a live pid counts as the owner. */
export function ownerLives({ owner, boot }: ProcessRecord): boolean {
  if (hasProc()) return boot === bootId() && processRow(owner.pid)?.start === owner.start
  try {
    process.kill(owner.pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves with how many processes were ended. Records whose processes remain are kept. */
export async function reapOwners(sweeping: Sweeping): Promise<number> {
  const { table, records, owners, graceMs, trustGroups = false } = sweeping
  if (owners.length === 0) return 0
  const boot = bootId()
  const groups = records
    .filter((record) => {
      if (!hasProc()) return trustGroups
      return record.boot === boot && processRow(record.pid)?.start === record.start
    })
    .map((record) => record.pid)
  const marks = owners.map((owner) => `${owner}.`)
  const { ended, remains } = await reap({ marks, groups, graceMs })
  if (!remains) for (const record of records) table.remove(record.id)
  return ended
}
