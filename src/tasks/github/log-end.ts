/** The end of a text that comes as a stream and may be far larger than what is wanted of it. */

/**
 * The last `kept` bytes of a web stream of bytes, read up to `read` bytes; of a text, its last ones.
 * Where the limit is reached, the end is what was read until then. Errors: the signal's reason.
 */
export async function endOfStream(
  data: unknown,
  { kept, read }: { kept: number; read: number },
  signal?: AbortSignal,
): Promise<string> {
  if (typeof data === 'string') return Buffer.from(data).subarray(-kept).toString('utf8')
  if (!(data instanceof ReadableStream)) return ''
  let end = Buffer.alloc(0)
  let total = 0
  const reader = (data as ReadableStream<Uint8Array>).getReader()
  const stop = () => void reader.cancel(signal?.reason).catch(() => undefined)
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted === true) stop()
  try {
    while (total < read) {
      const { done, value } = await reader.read()
      if (done) break
      end = Buffer.concat([end, value]).subarray(-kept)
      total += value.byteLength
    }
  } finally {
    signal?.removeEventListener('abort', stop)
    await reader.cancel().catch(() => undefined)
  }
  signal?.throwIfAborted()
  return end.toString('utf8')
}
