/** The end of a text that comes as a stream and may be far larger than what is wanted of it. */

/**
 * The last `kept` bytes of a web stream of bytes, read up to `read` bytes; of a text, its last ones.
 * Where the limit is reached, the end is what was read until then.
 */
export async function endOfStream(
  data: unknown,
  { kept, read }: { kept: number; read: number },
): Promise<string> {
  if (typeof data === 'string') return Buffer.from(data).subarray(-kept).toString('utf8')
  if (!(data instanceof ReadableStream)) return ''
  let end = Buffer.alloc(0)
  let total = 0
  for await (const chunk of data as ReadableStream<Uint8Array>) {
    end = Buffer.concat([end, chunk]).subarray(-kept)
    total += chunk.byteLength
    // Leaving the loop cancels the stream.
    if (total >= read) break
  }
  return end.toString('utf8')
}
