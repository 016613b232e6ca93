/**
 * GitHub's signature over the body as it came, byte by byte. `@octokit/webhooks-methods` takes text
 * only, and text has lost the bytes that are no UTF-8; so node's own HMAC is used. Pure.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

const form = /^sha256=[0-9a-f]{64}$/

/** `header`: `X-Hub-Signature-256`. Takes the same time whatever is wrong with a well-formed one. */
export function isSigned(secret: string, body: Uint8Array, header: string): boolean {
  if (!form.test(header)) return false
  const expected = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  return timingSafeEqual(Buffer.from(expected), Buffer.from(header))
}
