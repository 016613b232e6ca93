/** Which machine is meant: by peer id, words or name. Pure. */
import type { PeerRow } from '../../api/client.ts'
import { CliError } from '../errors.ts'

/** As people copy them from another screen. */
const sameWords = (text: string) =>
  text
    .toLowerCase()
    .split(/[\s,-]+/)
    .filter(Boolean)
    .join(' ')

export interface PickFrom {
  rows: readonly PeerRow[]
  /** This machine, which is in no row. */
  own: { name: string; peerId: string }
}

/**
 * `what`: who can be meant, for the error: "machine that asks to join". Errors: `PEER_NOT_FOUND`,
 * `PEER_IS_OWN`, `PEER_AMBIGUOUS` (data: `peerIds`).
 */
export function pickPeer({ rows, own }: PickFrom, who: string, what: string): PeerRow {
  const found =
    rows.find(({ peerId }) => peerId === who) ??
    rows.find(({ words }) => words !== null && sameWords(words) === sameWords(who))
  if (found !== undefined) return found
  const named = rows.filter(({ name }) => name === who)
  const [only] = named
  if (only === undefined) {
    if (who === own.peerId || who === own.name) {
      throw new CliError('PEER_IS_OWN', `${who} is this machine.`, {
        data: { who },
        next: 'Name another one: `bzzz peers ls` lists them. Of this one, see `bzzz status`.',
      })
    }
    throw new CliError('PEER_NOT_FOUND', `There is no ${what} ${JSON.stringify(who)}.`, {
      data: { who },
      next: 'List them with `bzzz peers ls`; only signers hear who asks.',
    })
  }
  if (named.length === 1) return only
  const peerIds = named.map(({ peerId }) => peerId)
  throw new CliError('PEER_AMBIGUOUS', `Several machines are named ${JSON.stringify(who)}.`, {
    data: { peerIds },
    next: `Write the peer id: ${peerIds.join(' or ')}.`,
  })
}
