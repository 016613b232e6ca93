/** What the log says at the start of the sandbox that work runs in. */
import type { SandboxState } from '../process/index.ts'
import type { Logger } from '../util/index.ts'

export function saySandbox({ kind, off, why, next, lacks }: SandboxState, logger: Logger): void {
  const fields = { event: 'agent.sandbox', sandbox: kind, why, lacks, ...(next && { next }) }
  if (kind !== 'none') return logger.info(fields, `work runs in a sandbox: ${kind}`)
  if (off) return logger.warn(fields, 'work runs without a sandbox, as the configuration says')
  logger.error(fields, `no work can be done: ${why} ${next ?? ''}`.trim())
}
