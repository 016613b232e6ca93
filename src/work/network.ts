/** The network of one task: a proxy of its own while it runs, where anything may be reached at all. */
import { createEgressProxy } from '../process/index.ts'
import type { Logger } from '../util/index.ts'
import type { NetworkReport } from './events.ts'

export interface NetworkInit {
  hosts?: readonly string[]
  privateHosts?: readonly string[]
  /** Hosts that the executor cannot do without. */
  needed: readonly string[]
}

/** Errors: `EGRESS_HOST`. The report comes when the work is over, and only when something was asked for. */
export async function withNetwork<T>(
  { hosts = [], privateHosts = [], needed }: NetworkInit,
  { logger, onReport }: { logger: Logger; onReport: (report: NetworkReport) => void },
  work: (network: { proxy?: string }) => Promise<T>,
): Promise<T> {
  const all = [...hosts, ...needed]
  if (all.length + privateHosts.length === 0) return work({})
  const proxy = createEgressProxy({ hosts: all, privateHosts }, { logger })
  await proxy.start()
  try {
    return await work({ proxy: proxy.socket })
  } finally {
    await proxy.stop()
    const report = proxy.report()
    if (report.refused.length + report.allowed.length > 0) onReport(report)
  }
}
