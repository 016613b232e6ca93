/**
 * Letters between origin and helper, who may never have met: sent directly, and when that fails hop by
 * hop along the way that the request came. Signed end to end; not encrypted to the receiver, so the
 * peers of the way can read them. Sent again when nobody took them; receivers act once.
 */
import type { HelpBody, HelpLetterMessage, HelpReceipt } from '../mesh/index.ts'
import { sleep } from '../util/index.ts'
import { unreachable, type Context } from './context.ts'
import { LETTER_PAUSE_MS, LETTER_TRIES, LONGEST_PAUSE_MS } from './limits.ts'
import { signLetter } from './seal.ts'

export interface Letter {
  id: string
  /** From oneself to the receiver. */
  route: readonly string[]
  body: HelpBody
  /** Default `LETTER_TRIES`. */
  tries?: number
  /** No more tries once it fires. */
  signal?: AbortSignal | undefined
}

export async function sendLetter(
  context: Context,
  { id, route, body, tries = LETTER_TRIES, signal }: Letter,
): Promise<HelpReceipt> {
  const { mesh, membership, clock } = context
  const to = route.at(-1)
  const next = route[1]
  if (to === undefined || next === undefined) return unreachable
  const letter = { v: 1 as const, mesh: membership.meshId, id, from: mesh.peerId, to, body }
  const message: HelpLetterMessage = {
    v: 1,
    kind: 'letter',
    letter,
    signature: await signLetter(letter, mesh),
    route: [mesh.peerId, to],
    records: membership.proof(),
  }
  for (let at = 0; at < tries; at += 1) {
    if (at > 0) {
      const ms = Math.min(LONGEST_PAUSE_MS, LETTER_PAUSE_MS * 2 ** (at - 1))
      const wait = sleep(ms, { signal: context.signal(), clock })
      if (
        !(await wait.then(
          () => true,
          () => false,
        ))
      )
        return unreachable
    }
    if (signal?.aborted === true) return unreachable
    const direct = await context.send(to, message)
    if (direct.outcome !== 'unreachable') return direct
    if (route.length === 2) continue
    context.count('letters.by-path')
    const byPath = await context.send(next, { ...message, route: [...route] }, route.length - 1)
    if (byPath.outcome !== 'unreachable') return byPath
  }
  return unreachable
}

/** The rest of a letter's route, when it is to be handed on by `self` and came from the peer before. */
export function nextOnRoute(
  route: readonly string[],
  { self, from }: { self: string; from: string },
): string | undefined {
  if (new Set(route).size !== route.length) return undefined
  const at = route.indexOf(self)
  return at > 0 && route[at - 1] === from ? route[at + 1] : undefined
}
