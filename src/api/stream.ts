/**
 * An async iterable as an HTTP answer of one JSON document a line. Pulled: the next entry is asked
 * for when the client has taken the last ones, so a slow client costs at most the buffer here and
 * the one of its socket. When the client goes, the signal fires and the iterator is returned.
 *
 * An iterator that throws ends the stream with a line `{"error": …}`; entries always have `type`.
 */
import { envelopeOf } from './envelope.ts'

/** Bytes that may wait here for a slow client. */
const bufferBytes = 64 * 1024
/** Entries that are written as one chunk when they are there at once, bytes. */
const batchBytes = 16 * 1024
/** An empty line now and then, so that a client that is gone is noticed and one that waits knows we live, ms. */
const heartbeatMs = 15_000

export interface StreamOptions {
  /** Makes the iterable; its signal fires when the client goes or `stop` fires. */
  open: (signal: AbortSignal) => AsyncIterable<unknown>
  /** Fires when the server stops: the stream then ends cleanly. */
  stop: AbortSignal
  onError: (error: unknown) => void
}

export function ndjsonResponse({ open, stop, onError }: StreamOptions): Response {
  const gone = new AbortController()
  const iterator = open(gone.signal)[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  let pending: Promise<IteratorResult<unknown>> | undefined
  let heartbeat: NodeJS.Timeout | undefined
  let ended = false

  const end = async () => {
    if (ended) return
    ended = true
    clearInterval(heartbeat)
    stop.removeEventListener('abort', onStop)
    gone.abort()
    await iterator.return?.().catch(onError)
  }
  let close: () => void = () => undefined
  const onStop = () => {
    close()
    void end()
  }
  const take = () => (pending ??= iterator.next())

  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        close = () => !ended && controller.close()
        stop.addEventListener('abort', onStop, { once: true })
        if (stop.aborted) return onStop()
        heartbeat = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode('\n'))
        }, heartbeatMs)
        heartbeat.unref()
      },
      pull: async (controller) => {
        let text = ''
        try {
          for (;;) {
            const result = text === '' ? await take() : await settled(take())
            if (ended) return
            if (result === undefined) break
            pending = undefined
            if (result.done === true) {
              if (text !== '') controller.enqueue(encoder.encode(text))
              controller.close()
              return await end()
            }
            text += `${JSON.stringify(result.value)}\n`
            if (text.length >= batchBytes) break
          }
          controller.enqueue(encoder.encode(text))
        } catch (error) {
          if (ended) return
          onError(error)
          controller.enqueue(encoder.encode(`${text}${JSON.stringify(envelopeOf(error))}\n`))
          controller.close()
          await end()
        }
      },
      cancel: end,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: bufferBytes }),
  )
  return new Response(body, {
    headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' },
  })
}

/** The result if it is there by the next turn of the event loop; else undefined. */
function settled<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([
    promise,
    new Promise<undefined>((resolve) => {
      setImmediate(() => resolve(undefined))
    }),
  ])
}
