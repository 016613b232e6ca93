/** Requests that must bring a secret. */
import { timingSafeEqual } from 'node:crypto'
import { sha256 } from '../util/index.ts'

/** Whether an `Authorization` header brings it. Digests of equal length are compared, so that the time says nothing. */
export function bearerCheck(secret: string): (header: string | undefined) => boolean {
  const digest = (text: string) => Buffer.from(sha256(text), 'hex')
  const expected = digest(`Bearer ${secret}`)
  return (header = '') => timingSafeEqual(digest(header), expected)
}

export const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })
