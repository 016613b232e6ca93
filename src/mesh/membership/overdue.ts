/** When it is a sign of trouble that a membership was not renewed. Pure. */
import { MEMBER_LIFE_MS } from './limits.ts'

/** Part of a record's life. Signers renew from its half on, the last of many signers later. */
const lateShare = 1 / 4

/**
 * Whether a record that is still good should have been renewed long ago. Of a life of more than
 * `MEMBER_LIFE_MS` only its end counts, as it does for who renews it.
 */
export function isRenewalLate(
  { issuedAt, expiresAt }: { issuedAt: number; expiresAt: number },
  nowMs: number,
): boolean {
  return expiresAt - nowMs < Math.min(expiresAt - issuedAt, MEMBER_LIFE_MS) * lateShare
}
