/**
 * What is signed about help, and how it is checked. The origin signs its question; each hop signs the
 * digest of it, its number, the signature before, from, to and the time left. So nobody can change the
 * question, leave out a hop, lower the count or put another on the path without a key that it lacks:
 *
 *   question ─ signed by O ─▶ hop 1 (O → A, signed by O) ─▶ hop 2 (A → B, by A) ─▶ hop 3 (B → C, by B)
 */
import type { HelpHop, HelpLetter, HelpQuestion, HelpRequest, HelpWithdraw } from '../mesh/index.ts'
import { canonicalJson, sha256 } from '../util/index.ts'

export interface Signer {
  readonly peerId: string
  sign(data: Uint8Array): Promise<Uint8Array>
}
/** Checks an Ed25519 signature by the key inside a peer id. */
export type Verify = (peerId: string, data: Uint8Array, signature: Uint8Array) => Promise<boolean>

type Chain = Pick<HelpRequest, 'question' | 'signature' | 'hops'>

/** SHA-256 in hex of the canonical JSON: of a question, a letter, an answer. */
export const digestOf = (value: object): string => sha256(canonicalJson(value))

const bytesOf = (what: string, value: object): Uint8Array =>
  new TextEncoder().encode(`bzzz-${what}:${canonicalJson(value)}`)
const written = (signature: Uint8Array) => Buffer.from(signature).toString('base64url')
const sign = async (what: string, value: object, signer: Signer): Promise<string> =>
  written(await signer.sign(bytesOf(what, value)))

async function holds(
  what: string,
  value: object,
  { by, signature, verify }: { by: string; signature: string; verify: Verify },
): Promise<boolean> {
  const bytes = Buffer.from(signature, 'base64url')
  if (written(bytes) !== signature) return false
  return verify(by, bytesOf(what, value), bytes)
}

const hopOf = (digest: string, hop: number, previous: string, one: Omit<HelpHop, 'signature'>) => ({
  digest,
  hop,
  previous,
  from: one.from,
  to: one.to,
  leftMs: one.leftMs,
})

export const signQuestion = (question: HelpQuestion, signer: Signer): Promise<string> =>
  sign('help', question, signer)

/** The hops with one more, from the signer. */
export async function addHop(
  { question, signature, hops }: Chain,
  { to, leftMs }: { to: string; leftMs: number },
  signer: Signer,
): Promise<HelpHop[]> {
  const one = { from: signer.peerId, to, leftMs }
  const previous = hops.at(-1)?.signature ?? signature
  const said = hopOf(digestOf(question), hops.length + 1, previous, one)
  return [...hops, { ...one, signature: await sign('help-hop', said, signer) }]
}

/** All peers of the way, the origin first. */
export const pathOf = (hops: readonly HelpHop[]): string[] => [
  ...hops.slice(0, 1).map(({ from }) => from),
  ...hops.map(({ to }) => to),
]

/** Why a chain is none, without looking at signatures. `last`: whom it must have been sent to, `from`: by whom. */
export function chainFault(
  { question, hops }: Pick<HelpRequest, 'question' | 'hops'>,
  { mesh, from, last }: { mesh: string; from: string; last: string },
): string | undefined {
  if (question.mesh !== mesh) return 'mesh'
  const path = pathOf(hops)
  if (path[0] !== question.origin || path.at(-1) !== last || hops.at(-1)?.from !== from) {
    return 'path'
  }
  if (new Set(path).size !== path.length) return 'loop'
  let left = question.lifeMs
  for (const [at, hop] of hops.entries()) {
    if (at > 0 && hops[at - 1]?.to !== hop.from) return 'path'
    if (hop.leftMs > left) return 'time'
    left = hop.leftMs
  }
  return undefined
}

/** Whether the origin's and every hop's signature holds. */
export async function chainHolds(chain: Chain, verify: Verify): Promise<boolean> {
  const { question, signature, hops } = chain
  const by = question.origin
  if (!(await holds('help', question, { by, signature, verify }))) return false
  const digest = digestOf(question)
  let previous = signature
  for (const [at, hop] of hops.entries()) {
    const said = hopOf(digest, at + 1, previous, hop)
    const ok = await holds('help-hop', said, { by: hop.from, signature: hop.signature, verify })
    if (!ok) return false
    previous = hop.signature
  }
  return true
}

export const signLetter = (letter: HelpLetter, signer: Signer): Promise<string> =>
  sign('help-letter', letter, signer)
export const letterHolds = (
  letter: HelpLetter,
  signature: string,
  verify: Verify,
): Promise<boolean> => holds('help-letter', letter, { by: letter.from, signature, verify })

export async function signWithdraw(
  said: Omit<HelpWithdraw, 'signature'>,
  signer: Signer,
): Promise<HelpWithdraw> {
  return { ...said, signature: await sign('help-withdraw', said, signer) }
}
export function withdrawHolds(
  { signature, ...said }: HelpWithdraw,
  verify: Verify,
): Promise<boolean> {
  return holds('help-withdraw', said, { by: said.origin, signature, verify })
}
