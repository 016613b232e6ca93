/** From a token to a member's statements. From docs/protocol.md, "Joining". */
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { base64url, canonical, utf8, type Fields } from './forms.ts'
import { request } from './requests.ts'
import { Roster } from './roster.ts'
import type { Token } from './token.ts'

const MAX_ANSWER_BYTES = 64 * 1024

/** Asks the token's maker; the connection is closed afterwards, as strangers' are. */
export async function join(node: Libp2p, token: Token, name: string): Promise<Roster> {
  const connection = await node.dial(token.addresses.map((address) => multiaddr(address)))
  try {
    const [joiner, responder] = [node.peerId.toString(), connection.remotePeer.toString()]
    const { meshId: mesh, invite } = token
    const at = Date.now()
    const of = { mesh, invite: invite.id, joiner, responder, name, at }
    const proof = base64url(await token.sign(utf8(`bzzz join\n${canonical(of)}`)))
    const question = { kind: 'join', v: 1, name, at, invite, proof }
    const answer = (await request(connection, '/bzzz/join/1', question, MAX_ANSWER_BYTES)) as Fields
    if (answer.kind !== 'welcome') throw new Error(`not let in: ${canonical(answer)}`)
    const roster = await Roster.open(answer.statements as Fields[], mesh)
    if (!roster.isMember(joiner)) throw new Error('the answer does not prove that we are a member')
    return roster
  } finally {
    await connection.close()
  }
}
