/** What a person can do about a refusal to join, by its code. Pure. */
import { comeBack } from '../membership/join-wire.ts'

const newToken = 'Type `bzzz invite` on a signer of the mesh, and use the new token.'

const advice: Readonly<Record<string, string>> = {
  TOKEN_EXPIRED: newToken,
  TOKEN_SPENT: newToken,
  TOKEN_REVOKED: newToken,
  TOKEN_VOID: newToken,
  TOKEN_UNKNOWN: newToken,
  TOKEN_FORGED: 'Copy the whole token once more, or use a new one: `bzzz invite` on a signer.',
  TOKEN_WRONG_MESH:
    'Who answered belongs to another mesh: check the address, or get a token of that mesh.',
  JOIN_WRONG_MESH: 'Who answered belongs to another mesh: name the one that is meant with --mesh.',
  JOIN_STALE: 'Set the clocks: this machine’s and the signer’s differ by more than 10 minutes.',
  MEMBER_REMOVED: `To come back, ${comeBack}`,
  ASK_DENIED: 'Ask the people whose mesh it is; after 10 minutes it can be asked again.',
  JOIN_BUSY: 'Try again in a minute.',
  JOIN_UNTRUSTED:
    'Nothing was changed. Compare the words with those on the signer’s screen, and ask again.',
  JOIN_INVALID: 'Check that both machines run the same version: bzzz version.',
  JOIN_ANSWER_INVALID: 'Check that both machines run the same version: bzzz version.',
}

export const adviceFor = (code: string): string => advice[code] ?? newToken
