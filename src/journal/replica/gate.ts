/** Keeps back replication with a peer until that is allowed. */
import type { Duplex } from 'node:stream'
import type { JournalTransport } from '../types.ts'

/** No stream of a peer carries the own journal before the peer said what it knows of it. */
export function gate(
  transport: JournalTransport,
  admit: (peerId: string) => Promise<void>,
): JournalTransport {
  return {
    peerId: transport.peerId,
    sign: (data: Uint8Array) => transport.sign(data),
    handleJournal: (handler: (stream: Duplex, peerId: string) => void) =>
      transport.handleJournal((stream, peerId) => {
        stream.on('error', () => undefined)
        admit(peerId).then(
          () => {
            if (!stream.destroyed) handler(stream, peerId)
          },
          () => stream.destroy(),
        )
      }),
    async openJournal(
      peerId: string,
      options?: { signal?: AbortSignal; timeoutMs?: number },
    ): Promise<Duplex> {
      await admit(peerId)
      return transport.openJournal(peerId, options)
    },
  }
}
