/** The body of a request: a small JSON document, bounded before it is decoded by its route. */
import { CommonError } from '../util/index.ts'

/** Largest body, bytes: a rotation that removes 100 machines has 6 KiB. */
const maxBodyBytes = 16 * 1024

/** Nothing sent is an empty object. `most`: bytes, default 16 KiB. Errors: `TOO_LARGE`, `INVALID`. hono's own limit makes a new request, which the server's adaptor does not allow. */
export async function body({ raw }: { raw: Request }, most = maxBodyBytes): Promise<unknown> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of raw.body ?? []) {
    bytes += part.byteLength
    if (bytes > most) {
      throw new CommonError('TOO_LARGE', `A request has at most ${most} bytes.`)
    }
    parts.push(part)
  }
  const text = Buffer.concat(parts).toString('utf8')
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch {
    throw new CommonError('INVALID', 'The body is not JSON.', {
      next: 'Send a JSON document, or nothing.',
    })
  }
}
