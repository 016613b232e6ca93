/**
 * Yamux, that does not end the process. It sends the first frame of a new stream in a task of its
 * own; where the connection is closed before that, as relayed ones are when a direct one takes their
 * place, nobody is there to catch the error. Here such a frame is lost, as all others on a connection
 * that closes: its streams learn of the close.
 */
import type { StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import { override } from './override.ts'

/** Below libp2p's read buffer of 4 MiB, bytes. */
const MAX_STREAM_WINDOW_BYTES = 1 << 20

export function muxer(): () => StreamMuxerFactory {
  const make = yamux({ streamOptions: { maxStreamWindowSize: MAX_STREAM_WINDOW_BYTES } })
  return () => {
    const factory = make()
    return override(factory, {
      createStreamMuxer: (connection) =>
        factory.createStreamMuxer(
          override(connection, {
            send: (data) => {
              try {
                return connection.send(data)
              } catch (error) {
                if (error instanceof Error && error.name === 'StreamStateError') return false
                throw error
              }
            },
          }),
        ),
    })
  }
}
