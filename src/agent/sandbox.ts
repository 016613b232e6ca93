/** Which sandbox the configuration asks for, and what the log says of the one that work runs in. */
import type { Config } from '../config/index.ts'
import type { ProcessesInit, SandboxState } from '../process/index.ts'
import type { Logger } from '../util/index.ts'

export function sandboxOf({ work }: Config): Pick<ProcessesInit, 'sandbox' | 'container'> {
  const { sandbox, sandboxImage: image, sandboxEngine: socket } = work
  if (image === undefined) return { sandbox }
  return { sandbox, container: { image, ...(socket === undefined ? {} : { socket }) } }
}

export function saySandbox({ kind, off, why, next, lacks }: SandboxState, logger: Logger): void {
  const fields = { event: 'agent.sandbox', sandbox: kind, why, lacks, ...(next && { next }) }
  if (kind !== 'none') return logger.info(fields, `work runs in a sandbox: ${kind}`)
  if (off) return logger.warn(fields, 'work runs without a sandbox, as the configuration says')
  logger.error(fields, `no work can be done: ${why} ${next ?? ''}`.trim())
}
