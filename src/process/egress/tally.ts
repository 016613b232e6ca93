/** Counts what was refused and what was let through, for the log and the journal. */
import type { EgressRefusalReason, EgressReport } from './types.ts'

/** Both lists fit into one journal entry. */
const MAX_DIFFERENT = 40
const MAX_HOST = 253

export interface Tally {
  /** True the first time that this was refused for this reason. */
  refuse(at: { host: string; port: number }, reason: EgressRefusalReason): boolean
  allow(at: { host: string; port: number }): void
  report(): Omit<EgressReport, 'bytes'>
}

export function createTally(): Tally {
  const refused = new Map<string, EgressReport['refused'][number]>()
  const allowed = new Map<string, EgressReport['allowed'][number]>()
  let more = 0

  return {
    refuse({ host, port }, reason) {
      const shown = host.replace(/[^\x21-\x7e]/g, '?').slice(0, MAX_HOST)
      const key = `${reason} ${port} ${shown}`
      const known = refused.get(key)
      if (known !== undefined) known.count += 1
      else if (refused.size < MAX_DIFFERENT)
        refused.set(key, { host: shown, port, reason, count: 1 })
      else more += 1
      return known === undefined && refused.has(key)
    },
    allow({ host, port }) {
      const key = `${port} ${host}`
      const known = allowed.get(key)
      if (known !== undefined) known.count += 1
      else if (allowed.size < MAX_DIFFERENT) allowed.set(key, { host, port, count: 1 })
    },
    report: () => ({
      refused: [...refused.values()].map((one) => ({ ...one })),
      more,
      allowed: [...allowed.values()].map((one) => ({ ...one })),
    }),
  }
}
