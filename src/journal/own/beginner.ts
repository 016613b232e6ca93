/** How a session's journal begins to be written: its first entry, and what branches left behind. */
import { explain, type Logger } from '../../util/index.ts'
import type { JournalEntry } from '../entries.ts'
import { proveIdentity } from '../proof/identity.ts'
import type { Session } from '../session.ts'
import type { JournalInit, JournalTransport } from '../types.ts'
import type { Writer } from './writer.ts'

export interface Beginner {
  /** Whether this run writes that journal already. */
  has(key: string): boolean
  /**
   * Lets the writer write; the first time in this run with `agent.started` before all that waits, and
   * resolves then when that is on disk. Errors: why it cannot be written.
   */
  begin(session: Session): Promise<void>
  /** Writes again what branches had, in the background, one session after the other. */
  mend(session: Session): void
  /** Resolves when nothing is written again any more; soon, once session and writer are closed. */
  mended(): Promise<void>
}

export function createBeginner(
  { agent }: Pick<JournalInit, 'agent'>,
  { transport, writer, logger }: { transport: JournalTransport; writer: Writer; logger: Logger },
): Beginner {
  const begun = new Set<string>()
  let mending: Promise<void> = Promise.resolve()
  return {
    has: (key) => begun.has(key),
    async begin({ own, durability, sources }) {
      const index = sources.get(own.key)?.index
      const onWritten = (entry: JournalEntry) => index?.offer(entry.seq, entry)
      const target = { core: own.core, epoch: own.epoch, durability, onWritten }
      if (begun.has(own.key)) return writer.attach(target)
      begun.add(own.key)
      const { peerId } = transport
      const proof = await proveIdentity(own, (data) => transport.sign(data))
      const previous = own.previous === undefined ? {} : { previous: own.previous }
      await writer.attach(target, { type: 'agent.started', peerId, ...agent, proof, ...previous })
    },
    mend(session) {
      mending = mending
        .then(() => session.mend((entry, origin) => writer.append(entry, true, { origin })))
        .catch((error: unknown) =>
          logger.warn({ error: explain(error) }, 'a rolled-back branch is not written again yet'),
        )
    },
    mended: () => mending,
  }
}
